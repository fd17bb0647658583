package dev.postern.runtime.balancing;

import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Keeps the retries of one upstream to a share of its requests. What counts are the last ten seconds, in slots of one:
 *
 * <pre>
 *   retries in the slots   &lt;=   share × requests in the slots   +   10 × perSecond
 *
 *   requests │ 200 │ 210 │ 190 │ … │ 205 │  ◀ counted without a lock, by every exchange
 *   retries  │   0 │   0 │  31 │ … │  44 │  ◀ counted under the lock, by those that failed
 *            └─ falls out                └─ now
 * </pre>
 *
 * Why seconds and not, as Envoy does, the exchanges under way: when one of three endpoints dies a third of what is under
 * way fails in the same moment, which is more than a fifth, and each of them could be saved. Over ten seconds it is little.
 * (Finagle and Linkerd count so too.)
 *
 * <p>A retry that was allowed and is not made, because its client left, is given back. Safe on any thread, and exact.
 */
final class RetryBudget {
    /** Long enough for a restart to be paid for by the calm before it, short enough to end a storm. */
    private static final int SLOTS = 10;

    private static final long SLOT_NANOS = 1_000_000_000L;

    /** Each the slot's number in the upper half and its count in the lower. */
    private final AtomicLongArray requests = new AtomicLongArray(SLOTS);
    // Guarded by this.
    private final int[] retrySlots = new int[SLOTS];
    private final int[] retries = new int[SLOTS];

    /** An exchange has begun. */
    void request(long now) {
        int slot = slot(now);
        int at = Math.floorMod(slot, SLOTS);
        while (true) {
            long seen = requests.get(at);
            int ahead = (int) (seen >>> 32) - slot;
            if (ahead > 0 && (int) seen != 0) {
                // This thread stood still for ten seconds between the clock and here: its request is history.
                return;
            }
            long next = ahead == 0 ? seen + 1 : (long) slot << 32 | 1;
            if (requests.compareAndSet(at, seen, next)) {
                return;
            }
        }
    }

    /**
     * Takes one retry.
     *
     * @return the slot to give it back to, or -1 as a long when there is none left
     */
    synchronized long take(long now, double share, int perSecond) {
        int slot = slot(now);
        long begun = 0;
        long made = 0;
        for (int i = 0; i < SLOTS; i++) {
            long cell = requests.get(i);
            begun += recent(slot, (int) (cell >>> 32)) ? cell & 0xFFFF_FFFFL : 0;
            made += recent(slot, retrySlots[i]) ? retries[i] : 0;
        }
        if (made + 1 > share * begun + (double) SLOTS * perSecond) {
            return -1;
        }
        int at = Math.floorMod(slot, SLOTS);
        if (retrySlots[at] != slot) {
            retrySlots[at] = slot;
            retries[at] = 0;
        }
        retries[at]++;
        return Integer.toUnsignedLong(slot);
    }

    /** Gives a retry back that was not made; what has fallen out of the ten seconds is gone anyway. */
    synchronized void refund(long taken) {
        int at = Math.floorMod((int) taken, SLOTS);
        if (retrySlots[at] == (int) taken && retries[at] > 0) {
            retries[at]--;
        }
    }

    private static int slot(long now) {
        return (int) Math.floorDiv(now, SLOT_NANOS);
    }

    private static boolean recent(int now, int slot) {
        // Slots wrap with the clock; a slot ahead of ours was begun by a thread that read the clock a moment later.
        int age = now - slot;
        return age >= -1 && age < SLOTS;
    }
}
