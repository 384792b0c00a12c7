// Shows the heatmap and the regions of the slide that is open in QuPath (0.5 or later), for every slide of images.csv beside this file.
// Run it on the open slide, or for all images of the project (Run for project adds the regions; the overlay needs the slide in the viewer).
// Written by wsiflow. For research use only.

import qupath.lib.scripting.QP

def tell = { message -> println('wsiflow: ' + message) }

/* The rows of a CSV file, RFC 4180, as maps by the names in its first row. */
def parse = { text ->
    def rows = [], row = [], cell = new StringBuilder(), quoted = false
    for (int i = 0; i < text.length(); i++) {
        def c = text.charAt(i)
        if (quoted && c == (char) '"' && i + 1 < text.length() && text.charAt(i + 1) == (char) '"') {
            cell.append(c)
            i++
        } else if (c == (char) '"') {
            quoted = !quoted
        } else if (!quoted && (c == (char) ',' || c == (char) '\n')) {
            row << cell.toString()
            cell = new StringBuilder()
            if (c == (char) '\n') {
                rows << row
                row = []
            }
        } else {
            cell.append(c)
        }
    }
    return rows.drop(1).collect { [rows[0], it].transpose().collectEntries() }
}

def imageData = QP.getCurrentImageData()
if (imageData == null) {
    tell('open a slide first')
    return
}
def here = null
try {
    here = new File(getProperty('qupath.script.file').toString()).getParentFile()
} catch (MissingPropertyException ignored) {
    tell('QuPath does not say where this script is: open the file itself in the script editor')
    return
}
def list = new File(here, 'images.csv')
if (!list.isFile()) {
    tell('there is no ' + list)
    return
}
def open = imageData.getServer().getURIs().collect { new File(it.getPath() ?: '') }
def rows = parse(list.getText('UTF-8'))
def found = rows.findAll { row -> open.contains(new File(row.path)) }
if (found.isEmpty()) { // the slides may have moved
    found = rows.findAll { row -> open.any { it.getName() == new File(row.path).getName() } }
}
if (found.size() != 1) {
    tell((found.isEmpty() ? 'no slide' : 'more than one slide') + ' of images.csv is ' + open.join(', '))
    return
}
def slide = found[0]
// The folder as seen from here first: then the run and this folder can be moved together.
def folder = [new File(here, slide.folder), new File(slide.heatmap).getParentFile()].find { new File(it, 'wsiflow.groovy').isFile() }
if (folder == null) {
    tell('there is no wsiflow.groovy in ' + new File(here, slide.folder) + ' or ' + new File(slide.heatmap).getParent())
    return
}
binding.setVariable('wsiflowFolder', folder.getPath())
evaluate(new File(folder, 'wsiflow.groovy'))
