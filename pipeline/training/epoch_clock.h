/* The line that training prints after each epoch, with the time elapsed and the time left. */
#pragma once
#include "flows/models/history.h"

typedef struct {
    int epochs; /* of the whole training, at most */
    gint64 start;
    double seconds; /* of the epochs of this process */
    int done;       /* the number of these epochs */
} EpochClock;

EpochClock epoch_clock_start(int epochs);
/* Counts an epoch and returns its line: "epoch 3/30: NLL/D train 0.71, hold-out 0.79, ..., 1.2 s; 0:12 elapsed, at most 0:32 left".
 * Early stopping may end training sooner.  Caller frees. */
char *epoch_clock_line(EpochClock *clock, const EpochReport *report);
/* "0:07", "12:30", "2:03:11"; "?" for negative or infinite times and NAN.  Caller frees. */
char *epoch_clock_duration(double seconds);
