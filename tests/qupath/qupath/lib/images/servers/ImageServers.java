package qupath.lib.images.servers;

import java.awt.image.BandedSampleModel;
import java.awt.image.DataBuffer;
import java.awt.image.Raster;
import java.awt.image.SampleModel;
import java.awt.image.WritableRaster;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import qupath.lib.regions.RegionRequest;

/** An OME-TIFF, read by Java's own TIFF reader: a band per plane, as Bio-Formats gives them to QuPath.  That reader knows no SubIFDs, so coarser levels
 * are made here, of every second or fourth value. */
public class ImageServers {
    public static class Level {
        public int width, height;

        public int getWidth() { return width; }
        public int getHeight() { return height; }
    }

    public static class Server {
        private final Raster[] planes;
        public boolean closed;

        Server(Raster[] planes) { this.planes = planes; }
        public Server getMetadata() { return this; }
        public int nResolutions() { return 3; }
        public double getDownsampleForResolution(int level) { return 1 << level; }
        public void close() { closed = true; }

        public Level getLevel(int level) {
            Level out = new Level();
            out.width = (planes[0].getWidth() + (1 << level) - 1) >> level;
            out.height = (planes[0].getHeight() + (1 << level) - 1) >> level;
            return out;
        }

        public Image readRegion(RegionRequest request) {
            int step = (int) request.downsample;
            int width = (planes[0].getWidth() + step - 1) / step, height = (planes[0].getHeight() + step - 1) / step;
            SampleModel model = new BandedSampleModel(DataBuffer.TYPE_FLOAT, width, height, planes.length);
            WritableRaster all = Raster.createWritableRaster(model, model.createDataBuffer(), null);
            for (int b = 0; b < planes.length; b++) {
                for (int y = 0; y < height; y++) {
                    for (int x = 0; x < width; x++) {
                        all.setSample(x, y, b, planes[b].getSampleFloat(x * step, y * step, 0));
                    }
                }
            }
            return new Image(all);
        }
    }

    public static class Image {
        private final Raster raster;

        Image(Raster raster) { this.raster = raster; }
        public Raster getRaster() { return raster; }
    }

    public static Server buildServer(URI uri, String... args) throws IOException {
        ImageReader reader = ImageIO.getImageReadersByFormatName("tiff").next();
        reader.setInput(ImageIO.createImageInputStream(new File(uri)));
        Raster[] planes = new Raster[reader.getNumImages(true)];
        for (int i = 0; i < planes.length; i++) {
            planes[i] = reader.read(i).getRaster();
        }
        return new Server(planes);
    }
}
