package qupath.lib.scripting;

import java.net.URI;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import qupath.lib.objects.PathObject;

/** The image that is open, as far as the scripts of wsiflow ask for it.  Names and signatures are those of QuPath 0.5. */
public class QP {
    public static class Server {
        public int width, height;
        public URI uri;

        public int getWidth() { return width; }
        public int getHeight() { return height; }
        public Collection<URI> getURIs() { return List.of(uri); }
    }

    public static class Hierarchy {
        public final List<PathObject> objects = new ArrayList<>();

        public Collection<PathObject> getAllObjects(boolean includeRoot) { return new ArrayList<>(objects); }
        public boolean addObjects(Collection<? extends PathObject> added) { return objects.addAll(added); }
    }

    public static class ImageData {
        public final Server server = new Server();
        public final Hierarchy hierarchy = new Hierarchy();

        public Server getServer() { return server; }
        public Hierarchy getHierarchy() { return hierarchy; }
    }

    public static ImageData open; // set by Main

    public static ImageData getCurrentImageData() { return open; }
}
