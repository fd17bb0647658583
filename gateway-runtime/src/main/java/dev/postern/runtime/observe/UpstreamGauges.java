package dev.postern.runtime.observe;

import dev.postern.TimeSource;
import dev.postern.UpstreamState;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Implemented by observers that also show state nobody tells them about, such as pools. The runtime gives such an observer
 * a view of each gateway that uses it.
 */
public interface UpstreamGauges {
    /**
     * Shows a gateway until the result is closed. What the suppliers give may change from call to call: what is no longer
     * in it is no longer shown, after a while. The suppliers are called on any thread, every ten seconds and, while somebody
     * reads metrics, about once a second; they must not block. When one throws, what it gave before is shown.
     *
     * @param time the gateway's clock; a timer of it runs until the result is closed
     * @param routes the ids of the routes there are now
     * @param upstreams the upstreams as they are now
     */
    Watch watch(TimeSource time, Supplier<Set<String>> routes, Supplier<List<UpstreamState>> upstreams);

    /** A gateway that is being shown. */
    interface Watch extends AutoCloseable {
        /** Shows it no longer; harmless the second time. Must not throw. */
        @Override
        void close();
    }
}
