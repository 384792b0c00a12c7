
import groovy.transform.CompileStatic
import java.awt.geom.AffineTransform
import java.awt.image.BufferedImage
import java.awt.image.Raster
import javafx.application.Platform
import qupath.lib.gui.scripting.QPEx
import qupath.lib.gui.viewer.overlays.BufferedImageOverlay
import qupath.lib.images.servers.ImageServers
import qupath.lib.io.PathIO
import qupath.lib.objects.PathObjectTools
import qupath.lib.regions.ImageRegion
import qupath.lib.regions.RegionRequest
import qupath.lib.scripting.QP

/* Values as colours: NaN, which is no data, and values below `least` are transparent. */
@CompileStatic
class WsiflowColours {
    static BufferedImage paint(Raster values, int band, int[] table, double low, double high, double least, int alpha) {
        int width = values.getWidth(), height = values.getHeight()
        BufferedImage out = new BufferedImage(width, height, BufferedImage.TYPE_INT_ARGB)
        float[] row = new float[width]
        int[] colours = new int[width]
        for (int y = 0; y < height; y++) {
            values.getSamples(values.getMinX(), values.getMinY() + y, width, 1, band, row)
            for (int x = 0; x < width; x++) {
                double value = row[x]
                boolean shown = !Double.isNaN(value) && value >= least // to Groovy, NaN may be the largest number
                double fraction = Math.min(Math.max((value - low) / (high - low), 0d), 1d)
                colours[x] = shown ? (alpha << 24) | table[(int) (fraction * 255 + 0.5d)] : 0
            }
            out.setRGB(0, y, width, 1, colours, 0, width)
        }
        return out
    }
}

def tell = { message -> println('wsiflow: ' + message) }

// ---- the slide that is open
def imageData = QP.getCurrentImageData()
if (imageData == null) {
    tell('open the slide first')
    return
}
def server = imageData.getServer()
def slideName = URLDecoder.decode(map.slide, 'UTF-8')
def openNames = server.getURIs().collect { new File(it.getPath() ?: '').getName() }
if (checkName && slideName && !openNames.contains(slideName)) {
    tell('this heatmap is of ' + slideName + ', but ' + openNames.join(', ') + ' is open. If the file was renamed, set checkName = false')
    return
}
// QuPath crops a slide to its scanned bounds, unless a preference or --no-crop says otherwise: the size tells which.
def offset = null
if (server.getWidth() == map.boundsWidth && server.getHeight() == map.boundsHeight) {
    offset = [map.boundsX, map.boundsY]
} else if (server.getWidth() == map.width && server.getHeight() == map.height) {
    offset = [0, 0]
} else {
    tell('the open image has ' + server.getWidth() + ' x ' + server.getHeight() + ' px, but the slide of this heatmap has ' +
        map.width + ' x ' + map.height + ' px, or ' + map.boundsWidth + ' x ' + map.boundsHeight + ' px when cropped to its bounds')
    return
}

// ---- the folder of this script, which holds the other files
def property = { name ->
    try {
        return getProperty(name)
    } catch (MissingPropertyException ignored) {
        return null
    }
}
def scriptFile = property('qupath.script.file')
def folder = folderOfFiles ?: property('wsiflowFolder') ?: (scriptFile ? new File(scriptFile.toString()).getParent() : null)
if (folder == null) {
    tell('QuPath does not say where this script is: open the file itself in the script editor, or set folderOfFiles')
    return
}

// ---- the map
def heatmap = new File(folder.toString(), 'heatmap.ome.tif')
def viewer = QPEx.getCurrentViewer()
if (!heatmap.isFile()) {
    tell('no overlay: there is no ' + heatmap)
} else if (viewer == null || viewer.getImageData() != imageData) {
    tell('no overlay: the slide is not shown in the current viewer')
} else {
    def values = ImageServers.buildServer(heatmap.toURI())
    def level = 0
    def cells = { k -> (long) values.getMetadata().getLevel(k).getWidth() * values.getMetadata().getLevel(k).getHeight() }
    while (level + 1 < values.nResolutions() && cells(level) > mostCells) {
        level++
    }
    def image = values.readRegion(RegionRequest.createInstance(values, values.getDownsampleForResolution(level)))
    values.close()
    if (image.getRaster().getNumBands() <= map.channel) {
        tell('no overlay: ' + heatmap + ' was not opened by Bio-Formats, which QuPath needs for it')
    } else {
        int[] table = (0..255).collect { Integer.parseInt(map.colours.substring(6 * it, 6 * it + 6), 16) } as int[]
        int alpha = (int) Math.round(255 * Math.min(Math.max(opacity, 0d), 1d))
        def painted = WsiflowColours.paint(image.getRaster(), map.channel, table, low, high, hideBelow, alpha)
        // The map covers all of level 0, which begins outside of a cropped image.
        def region = ImageRegion.createInstance(-offset[0], -offset[1], map.width, map.height, 0, 0)
        Platform.runLater {
            // The overlay of an earlier run of this script is replaced.
            viewer.getCustomOverlayLayers().removeIf { it instanceof BufferedImageOverlay && it.getRegionMap().containsKey(region) }
            viewer.getCustomOverlayLayers().add(new BufferedImageOverlay(viewer, [(region): painted]))
            viewer.getOverlayOptions().setShowPixelClassification(true)
            viewer.repaint()
        }
        tell('overlay: colours from ' + low + ' to ' + high + ' standard deviations of normal tiles, ' +
            (level > 0 ? 'maxima of ' + (1 << level) + ' x ' + (1 << level) + ' cells; ' : '') + 'the button C shows and hides it')
    }
}

// ---- the regions
def regions = new File(folder.toString(), 'regions.geojson')
if (!regions.isFile()) {
    tell('no regions: there is no ' + regions)
    return
}
// The first line says whose regions these are, and what was subtracted from the coordinates.
def header = regions.withReader('UTF-8') { it.readLine() }
def ofSlide = header =~ '"slide":"([^"]*)"'
def ofThreshold = header =~ '"threshold":(-?[0-9.eE+-]+)'
if (!ofSlide.find() || !ofThreshold.find()) {
    tell('no regions: ' + regions + ' does not say which slide and threshold it is of')
    return
}
def mapId = URLDecoder.decode(map.id, 'UTF-8')
def threshold = ofThreshold.group(1) as double
if (ofSlide.group(1) != mapId || map.threshold == null || threshold != (map.threshold as double)) {
    tell('no regions: ' + regions + ' is of ' + ofSlide.group(1) + ' at the threshold ' + threshold + ', but this heatmap is of ' + mapId +
        (map.threshold == null ? ' without a threshold' : ' at the threshold ' + map.threshold))
    return
}
def objects = PathIO.readObjects(regions)
// A viewer in another frame needs them moved.
def shift = ['x', 'y'].withIndex().collect { axis, i ->
    def found = header =~ ('"offset_' + axis + '_px":(-?[0-9.eE+-]+)')
    (found.find() ? found.group(1) as double : 0d) - offset[i]
}
if (shift[0] != 0 || shift[1] != 0) {
    def move = AffineTransform.getTranslateInstance(shift[0], shift[1])
    objects = objects.collect { PathObjectTools.transformObject(it, move, true, false) }
}
// Ids are the same in every run, so what was added before, and perhaps edited since, stays as it is.
def hierarchy = imageData.getHierarchy()
def present = hierarchy.getAllObjects(false).collect { it.getID() } as Set
def added = objects.findAll { !present.contains(it.getID()) }
hierarchy.addObjects(added)
tell(added.size() + ' regions were added, ' + (objects.size() - added.size()) + ' were there already')
