// Runs scripts as QuPath does, with an image that only has a size and a name.  Each line of standard input is a case, separated by tabs:
// name, script, width, height, URI of the image, times, and what the viewer shows (same, other, none).  Prints for each case what the script
// printed, the overlays and the objects; the colours of overlay I are in NAME.I.argb, 32-bit big-endian.
import java.nio.ByteBuffer
import qupath.lib.gui.scripting.QPEx
import qupath.lib.gui.viewer.QuPathViewer
import qupath.lib.scripting.QP

System.in.eachLine { line ->
    def (name, script, width, height, uri, times, shown) = line.split('\t')
    QP.open = new QP.ImageData()
    QP.open.server.width = width as int
    QP.open.server.height = height as int
    QP.open.server.uri = new URI(uri)
    QPEx.viewer = shown == 'none' ? null : new QuPathViewer(imageData: shown == 'same' ? QP.open : new QP.ImageData())
    println 'case ' + name
    (times as int).times {
        def binding = new Binding()
        binding.setVariable('qupath.script.file', new File(script).getAbsolutePath())
        new GroovyShell(binding).evaluate(new File(script))
    }
    QPEx.viewer?.layers?.eachWithIndex { overlay, i ->
        overlay.getRegionMap().each { region, image ->
            println 'overlay ' + region.numbers.join(' ') + ' image ' + image.getWidth() + ' ' + image.getHeight() + ' shown ' + QPEx.viewer.options.shown
            def bytes = ByteBuffer.allocate(4 * image.getWidth() * image.getHeight())
            bytes.asIntBuffer().put(image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth()))
            new File(name + '.' + i + '.argb').setBytes(bytes.array())
        }
    }
    QP.open.hierarchy.objects.each { println 'object ' + it.getID() + ' ' + it.x + ' ' + it.y }
}
