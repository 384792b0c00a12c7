package qupath.lib.objects;

import java.util.UUID;

public class PathObject {
    private final UUID id;
    public final double x, y;

    public PathObject(UUID id, double x, double y) {
        this.id = id;
        this.x = x;
        this.y = y;
    }

    public UUID getID() { return id; }
}
