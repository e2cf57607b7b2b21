"""Schedules: functions of the step to a factor on the base learning rate.

A function of (step, total), or of (step, total, steps_per_epoch), holds no state. One that takes
options alone returns an object that is called with (step, total), has its state in every
checkpoint, and may be told of evaluations. `step` counts updates done, from 0; `total` is the
length of the whole run in steps. Warm-up is the loop's: both are counted from its end.
"""
