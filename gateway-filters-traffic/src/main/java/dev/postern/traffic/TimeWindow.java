package dev.postern.traffic;

/**
 * The calls of the last so many seconds, in {@value #SLICES} slices. A call leaves with its slice: after nine tenths of the
 * window at the earliest, exactly one window after the slice began at the latest.
 *
 * <pre>
 *   |  slice 0  |  slice 1  | … |  slice 9  | slice 10
 *                                 ▲ now      at its first nanosecond slice 0 is forgotten
 * </pre>
 */
final class TimeWindow implements CallWindow {
    static final int SLICES = 10;

    private final long sliceNanos;
    private final int[] calls = new int[SLICES];
    private final int[] failed = new int[SLICES];
    private final int[] slow = new int[SLICES];
    private final int[] sum = new int[3];
    private int slice;
    // The first nanosecond of the current slice.
    private long began;

    /** Slices begin at {@code now}; a remainder of the division by ten makes the window up to nine nanoseconds shorter. */
    TimeWindow(long windowNanos, long now) {
        sliceNanos = windowNanos / SLICES;
        began = now;
    }

    @Override
    public void record(long now, boolean hasFailed, boolean wasSlow) {
        advance(now);
        add(calls, 0, true);
        add(failed, 1, hasFailed);
        add(slow, 2, wasSlow);
    }

    private void add(int[] counts, int which, boolean counted) {
        // Saturated: 2^31 calls within a window are beyond what one gateway can do, but a wrapped counter would be a
        // lie.
        if (counted && sum[which] < Integer.MAX_VALUE) {
            counts[slice]++;
            sum[which]++;
        }
    }

    @Override
    public void advance(long now) {
        long passed = now - began < 0 ? 0 : (now - began) / sliceNanos;
        for (long i = 0; i < Math.min(passed, SLICES); i++) {
            slice = slice + 1 == SLICES ? 0 : slice + 1;
            sum[0] -= calls[slice];
            sum[1] -= failed[slice];
            sum[2] -= slow[slice];
            calls[slice] = 0;
            failed[slice] = 0;
            slow[slice] = 0;
        }
        began += passed * sliceNanos;
    }

    @Override
    public int calls() {
        return sum[0];
    }

    @Override
    public int failed() {
        return sum[1];
    }

    @Override
    public int slow() {
        return sum[2];
    }
}
