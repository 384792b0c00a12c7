package qupath.lib.io;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import qupath.lib.objects.PathObject;

/** A feature is a line; of its polygon only the first point is kept. */
public class PathIO {
    private static final Pattern FEATURE = Pattern.compile("\"coordinates\":\\[\\[\\[([-0-9.]+),([-0-9.]+)\\].*\"id\":\"([-0-9a-f]+)\"");

    public static List<PathObject> readObjects(File file) throws IOException {
        List<PathObject> out = new ArrayList<>();
        for (String line : Files.readAllLines(file.toPath())) {
            Matcher found = FEATURE.matcher(line);
            if (found.find()) {
                out.add(new PathObject(UUID.fromString(found.group(3)), Double.parseDouble(found.group(1)), Double.parseDouble(found.group(2))));
            }
        }
        return out;
    }
}
