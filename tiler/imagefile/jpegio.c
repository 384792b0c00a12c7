/* Error handling and output for libjpeg.
 *
 * By default libjpeg ends the process on an error and prints warnings.  Here an error jumps back to the
 * caller, and a warning is recorded when it means that pixels are missing or wrong (a truncated file): libjpeg
 * fills these with grey, which must not pass for data. */
#include "tiler/imagefile/jpegio.h"
#include <jerror.h>

/* libjpeg does not expect this function to return. */
static void on_error(j_common_ptr jpeg)
{
    JpegErrors *errors = (JpegErrors *)jpeg->err;
    errors->base.format_message(jpeg, errors->message);
    longjmp(errors->jump, 1);
}

/* Only these warnings leave all pixels intact. */
static gboolean is_harmless(int code)
{
    return code == JWRN_EXTRANEOUS_DATA || code == JWRN_ADOBE_XFORM || code == JWRN_JFIF_MAJOR;
}

/* Level -1 is a warning; others are traces. */
static void on_message(j_common_ptr jpeg, int level)
{
    JpegErrors *errors = (JpegErrors *)jpeg->err;
    if (level < 0 && !errors->damaged && !is_harmless(errors->base.msg_code)) {
        errors->base.format_message(jpeg, errors->message);
        errors->damaged = TRUE;
    }
}

struct jpeg_error_mgr *jpegio_errors_init(JpegErrors *errors)
{
    jpeg_std_error(&errors->base);
    errors->base.error_exit = on_error;
    errors->base.emit_message = on_message;
    errors->damaged = FALSE;
    errors->message[0] = 0;
    return &errors->base;
}

typedef struct {
    struct jpeg_destination_mgr base;
    GByteArray *out;
    JOCTET buffer[1 << 14];
} ByteSink;

/* The whole buffer is free. */
static void sink_start(j_compress_ptr jpeg)
{
    ByteSink *sink = (ByteSink *)jpeg->dest;
    sink->base.next_output_byte = sink->buffer;
    sink->base.free_in_buffer = sizeof sink->buffer;
}

/* libjpeg has filled the buffer. */
static boolean sink_empty(j_compress_ptr jpeg)
{
    ByteSink *sink = (ByteSink *)jpeg->dest;
    g_byte_array_append(sink->out, sink->buffer, sizeof sink->buffer);
    sink_start(jpeg);
    return TRUE;
}

/* The last, partly filled buffer. */
static void sink_end(j_compress_ptr jpeg)
{
    ByteSink *sink = (ByteSink *)jpeg->dest;
    g_byte_array_append(sink->out, sink->buffer, (guint)(sizeof sink->buffer - sink->base.free_in_buffer));
}

void jpegio_to_bytes(struct jpeg_compress_struct *jpeg, GByteArray *out)
{
    ByteSink *sink = jpeg->mem->alloc_small((j_common_ptr)jpeg, JPOOL_PERMANENT, sizeof(ByteSink));
    sink->base.init_destination = sink_start;
    sink->base.empty_output_buffer = sink_empty;
    sink->base.term_destination = sink_end;
    sink->out = out;
    jpeg->dest = &sink->base;
}
