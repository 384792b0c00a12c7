package qupath.lib.gui.viewer.overlays;

import java.awt.image.BufferedImage;
import java.util.Map;
import qupath.lib.gui.viewer.QuPathViewer;
import qupath.lib.regions.ImageRegion;

public class BufferedImageOverlay {
    private final Map<ImageRegion, BufferedImage> regions;

    public BufferedImageOverlay(QuPathViewer viewer, Map<ImageRegion, BufferedImage> regions) { this.regions = regions; }
    public Map<ImageRegion, BufferedImage> getRegionMap() { return regions; }
}
