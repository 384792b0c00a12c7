package qupath.lib.gui.viewer;

import java.util.ArrayList;
import java.util.List;
import qupath.lib.gui.viewer.overlays.BufferedImageOverlay;
import qupath.lib.scripting.QP;

public class QuPathViewer {
    public static class OverlayOptions {
        public boolean shown;

        public void setShowPixelClassification(boolean show) { shown = show; }
    }

    public QP.ImageData imageData;
    public final OverlayOptions options = new OverlayOptions();
    public final List<BufferedImageOverlay> layers = new ArrayList<>();

    public QP.ImageData getImageData() { return imageData; }
    public OverlayOptions getOverlayOptions() { return options; }
    public List<BufferedImageOverlay> getCustomOverlayLayers() { return layers; }
    public void repaint() { }
}
