package dev.postern.traffic;

/**
 * The last so many calls, however long ago they were.
 *
 * <pre>
 *   newest ─▶ [ok][ok][failed][ok]…[slow]  ─▶ the oldest falls out when one more comes
 * </pre>
 */
final class CountWindow implements CallWindow {
    private static final byte FAILED = 1;
    private static final byte SLOW = 2;

    private final byte[] ring;
    private int next;
    private int calls;
    private int failed;
    private int slow;

    CountWindow(int size) {
        ring = new byte[size];
    }

    @Override
    public void record(long now, boolean hasFailed, boolean wasSlow) {
        if (calls == ring.length) {
            count(ring[next], -1);
        } else {
            calls++;
        }
        ring[next] = (byte) ((hasFailed ? FAILED : 0) | (wasSlow ? SLOW : 0));
        count(ring[next], 1);
        next = next + 1 == ring.length ? 0 : next + 1;
    }

    private void count(byte call, int by) {
        failed += (call & FAILED) != 0 ? by : 0;
        slow += (call & SLOW) != 0 ? by : 0;
    }

    @Override
    public void advance(long now) {
        // Calls do not age.
    }

    @Override
    public int calls() {
        return calls;
    }

    @Override
    public int failed() {
        return failed;
    }

    @Override
    public int slow() {
        return slow;
    }
}
