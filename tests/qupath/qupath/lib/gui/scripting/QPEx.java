package qupath.lib.gui.scripting;

import qupath.lib.gui.viewer.QuPathViewer;

public class QPEx {
    public static QuPathViewer viewer; // set by Main

    public static QuPathViewer getCurrentViewer() { return viewer; }
}
