/* A body is an object of exactly the members that its request has: a misspelt one is refused, not passed over. */
#include "pipeline/view/review_requests.h"
#include "base/error.h"
#include "base/nearest.h"
#include <math.h>
#include <string.h>

/* ---- answers ---- */

static const struct {
    WsiErrorCode code;
    int status;
} statuses[] = {
    {WSI_ERROR_INPUT, 400},
    {WSI_ERROR_ABSENT, 404},
    {WSI_ERROR_LOST, 409},
    {WSI_ERROR_FULL, 507},
};

/* Takes the error. */
static json_t *failed(ReviewDesk *desk, const SlideEntry *entry, GError *why, int *status)
{
    *status = review_desk_read_only(desk) ? 403 : 503;
    for (size_t i = 0; i < G_N_ELEMENTS(statuses); i++) {
        if (g_error_matches(why, WSI_ERROR, (gint)statuses[i].code)) {
            *status = statuses[i].status;
        }
    }
    g_autofree char *text = g_utf8_make_valid(why->message, -1);
    json_t *answer = json_pack("{s:s}", "error", text);
    json_t *review = *status == 409 ? review_desk_json(desk, entry, NULL) : NULL;
    if (review) {
        json_object_set_new(answer, "review", review);
    }
    g_error_free(why);
    return answer;
}

json_t *review_request_get(ReviewDesk *desk, const SlideEntry *entry, int *status)
{
    GError *why = NULL;
    json_t *review = review_desk_json(desk, entry, &why);
    *status = 200;
    return review ? review : failed(desk, entry, why, status);
}

/* The answer to a change that was made, or not.  One that was made is not refused, even when the review cannot be read now. */
static json_t *answer(ReviewDesk *desk, const SlideEntry *entry, gboolean good, GError *why, int *status)
{
    if (!good) {
        return failed(desk, entry, why, status);
    }
    json_t *review = review_request_get(desk, entry, status);
    *status = *status == 200 ? 200 : 503;
    return review;
}

/* ---- bodies ---- */

typedef struct {
    const char *name;
    json_type type;
    gboolean needed;
} Member;

static const char *type_name(json_type type)
{
    return type == JSON_STRING ? "a text" : type == JSON_INTEGER ? "a whole number" : "an array";
}

/* The object with these members (ended by a NULL name); NULL with error.  New reference. */
static json_t *read_body(const char *body, size_t bytes, const Member *members, GError **error)
{
    json_error_t why;
    json_t *object = json_loadb(body, bytes, JSON_REJECT_DUPLICATES, &why);
    const char *names[8] = {NULL}, *key;
    json_t *value;
    gboolean good = json_is_object(object);
    if (!good) {
        wsi_error_input(error, object ? "the request is not a JSON object" : "the request is not JSON: %s",
                        why.text);
    }
    for (int i = 0; good && members[i].name; i++) {
        const json_t *member = json_object_get(object, members[i].name);
        names[i] = members[i].name;
        if (member ? json_typeof(member) != members[i].type : members[i].needed) {
            good = wsi_error_input(error, "\"%s\" must be %s", members[i].name, type_name(members[i].type));
        }
    }
    json_object_foreach(object, key, value)
    {
        if (good && !g_strv_contains(names, key)) {
            g_autofree char *hint = nearest_hint(key, names);
            good = wsi_error_input(error, "unknown member \"%.40s\"%s", key, hint);
        }
    }
    if (!good) {
        json_decref(object);
    }
    return good ? object : NULL;
}

static const char *text_of(const json_t *object, const char *name, const char *absent)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : absent;
}

static int64_t revision_of(const json_t *object)
{
    return json_integer_value(json_object_get(object, "revision"));
}

json_t *review_request_mark(ReviewDesk *desk, const SlideEntry *entry, const char *body, size_t bytes,
                            int *status)
{
    static const Member members[] = {
        {"state", JSON_STRING, TRUE}, {"note", JSON_STRING, TRUE}, {"revision", JSON_INTEGER, TRUE}, {0}};
    GError *why = NULL;
    json_auto_t *object = read_body(body, bytes, members, &why);
    const char *note = text_of(object, "note", "");
    gboolean good = object != NULL;
    if (good && strlen(note) > REVIEW_NOTE_BYTES) {
        good = wsi_error_input(&why, "the note has %zu bytes; at most %d are kept", strlen(note),
                               REVIEW_NOTE_BYTES);
    }
    good =
        good && review_desk_mark(desk, entry, revision_of(object), text_of(object, "state", ""), note, &why);
    return answer(desk, entry, good, why, status);
}

json_t *review_request_decide(ReviewDesk *desk, const SlideEntry *entry, const char *region, const char *body,
                              size_t bytes, int *status)
{
    static const Member members[] = {
        {"state", JSON_STRING, TRUE}, {"reason", JSON_STRING, FALSE}, {"revision", JSON_INTEGER, TRUE}, {0}};
    GError *why = NULL;
    json_auto_t *object = read_body(body, bytes, members, &why);
    gboolean good =
        object && review_desk_decide(desk, entry, revision_of(object), region, text_of(object, "state", ""),
                                     text_of(object, "reason", ""), &why);
    return answer(desk, entry, good, why, status);
}

json_t *review_request_draw(ReviewDesk *desk, const SlideEntry *entry, const char *body, size_t bytes,
                            int *status)
{
    static const Member members[] = {
        {"ring", JSON_ARRAY, TRUE}, {"label", JSON_STRING, FALSE}, {"key", JSON_STRING, FALSE}, {0}};
    GError *why = NULL;
    json_auto_t *object = read_body(body, bytes, members, &why);
    const json_t *ring = json_object_get(object, "ring");
    const char *key = text_of(object, "key", NULL);
    gboolean good = object != NULL;
    if (good && json_array_size(ring) > REVIEW_RING_POINTS) {
        good = wsi_error_input(&why, "the ring has %zu points; at most %d are kept", json_array_size(ring),
                               REVIEW_RING_POINTS);
    }
    if (good && key && (!*key || strlen(key) > REVIEW_KEY_BYTES)) {
        good = wsi_error_input(&why, "the key has %zu bytes; it must have 1 to %d", strlen(key),
                               REVIEW_KEY_BYTES);
    }
    good = good && review_desk_draw(desk, entry, text_of(object, "label", "lesion"), ring, key, &why);
    return answer(desk, entry, good, why, status);
}

json_t *review_request_erase(ReviewDesk *desk, const SlideEntry *entry, int id, const char *body,
                             size_t bytes, int *status)
{
    static const Member members[] = {{"revision", JSON_INTEGER, TRUE}, {0}};
    GError *why = NULL;
    json_auto_t *object = read_body(body, bytes, members, &why);
    gboolean good = object && review_desk_erase(desk, entry, revision_of(object), id, &why);
    return answer(desk, entry, good, why, status);
}
