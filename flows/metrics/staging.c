/* The rules of Camelyon17. */
#include "flows/metrics/staging.h"

static const char *const class_names[NODE_CLASSES] = {"negative", "itc", "micro", "macro"};
static const char *const stage_names[PN_STAGES] = {"pN0", "pN0(i+)", "pN1mi", "pN1", "pN2"};

NodeClass staging_class(double diameter_um)
{
    return !(diameter_um > 0)    ? NODE_NEGATIVE
           : diameter_um < 200   ? NODE_ITC
           : diameter_um <= 2000 ? NODE_MICRO
                                 : NODE_MACRO;
}

const char *staging_class_name(NodeClass node)
{
    return class_names[node];
}

/* The number of a name, in any case; -1 = none of them. */
static int find(const char *const *names, int n, const char *text)
{
    for (int i = 0; i < n; i++) {
        if (g_ascii_strcasecmp(names[i], text) == 0) {
            return i;
        }
    }
    return -1;
}

gboolean staging_class_parse(const char *text, NodeClass *out)
{
    int i = find(class_names, NODE_CLASSES, text);
    *out = (NodeClass)MAX(i, 0);
    return i >= 0;
}

PnStage staging_stage(const NodeClass *nodes, int n)
{
    int count[NODE_CLASSES] = {0};
    for (int i = 0; i < n; i++) {
        count[nodes[i]]++;
    }
    int positive = count[NODE_MICRO] + count[NODE_MACRO];
    if (count[NODE_MACRO] > 0) {
        return positive >= 4 ? STAGE_PN2 : STAGE_PN1;
    }
    return positive > 0 ? STAGE_PN1MI : count[NODE_ITC] > 0 ? STAGE_PN0_ITC : STAGE_PN0;
}

const char *staging_stage_name(PnStage stage)
{
    return stage_names[stage];
}

gboolean staging_stage_parse(const char *text, PnStage *out)
{
    int i = find(stage_names, PN_STAGES, text);
    *out = (PnStage)MAX(i, 0);
    return i >= 0;
}
