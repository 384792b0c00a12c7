package qupath.lib.objects;

import java.awt.geom.AffineTransform;
import java.util.UUID;

public class PathObjectTools {
    public static PathObject transformObject(PathObject object, AffineTransform transform, boolean copyMeasurements, boolean createNewIDs) {
        double[] at = {object.x, object.y};
        transform.transform(at, 0, at, 0, 1);
        return new PathObject(createNewIDs ? UUID.randomUUID() : object.getID(), at[0], at[1]);
    }
}
