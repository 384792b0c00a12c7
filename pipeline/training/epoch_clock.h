/* What people see of a training: a line an epoch, with the time it took and what is left. */
#pragma once
#include "flows/models/history.h"

typedef struct {
    int epochs; /* of the whole training, at most */
    gint64 start;
    double seconds; /* of the epochs of this process */
    int done;       /* how many these are */
} EpochClock;

EpochClock epoch_clock_start(int epochs);
/* Counts the epoch.  "epoch 3/30: NLL/D train 0.71, hold-out 0.79, ..., 1.2 s; 0:12 elapsed, at most 0:32 left", and the figures of a
 * trained pyramid.  Early stopping may make it shorter.  Caller frees. */
char *epoch_clock_line(EpochClock *clock, const EpochReport *report);
/* "0:07", "12:30", "2:03:11"; "?" when it is not finite or negative.  Caller frees. */
char *epoch_clock_duration(double seconds);
