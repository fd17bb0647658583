package dev.postern.traffic;

import java.time.Duration;

/**
 * What the state of a throttle depends on.
 *
 * @param multiplier for each call accepted so many are let through
 * @param window how long a call counts
 * @param minimumCalls below so many in the window nothing is rejected
 * @param mostPercent at most so many percent of a priority are rejected
 */
record ThrottleRules(double multiplier, Duration window, int minimumCalls, int mostPercent) {}
