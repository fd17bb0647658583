package dev.postern.runtime.balancing;

import dev.postern.UpstreamState;
import java.util.concurrent.atomic.LongAdder;

/** What the policies of an upstream have done since it is there; for people, nothing is decided by it. Safe on any thread. */
final class Deeds {
    private final LongAdder retries = new LongAdder();
    private final LongAdder retriesRefused = new LongAdder();
    private final LongAdder hedges = new LongAdder();
    private final LongAdder hedgesRefused = new LongAdder();
    private final LongAdder ejections = new LongAdder();
    private final LongAdder breakersOpened = new LongAdder();

    void retried() {
        retries.increment();
    }

    void retryRefused() {
        retriesRefused.increment();
    }

    void hedged() {
        hedges.increment();
    }

    void hedgeRefused() {
        hedgesRefused.increment();
    }

    void ejected() {
        ejections.increment();
    }

    void breakerOpened() {
        breakersOpened.increment();
    }

    UpstreamState.Policies state(boolean panic) {
        return new UpstreamState.Policies(
                retries.sum(),
                retriesRefused.sum(),
                hedges.sum(),
                hedgesRefused.sum(),
                ejections.sum(),
                breakersOpened.sum(),
                panic);
    }
}
