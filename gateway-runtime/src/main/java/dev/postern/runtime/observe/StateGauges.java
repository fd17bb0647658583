package dev.postern.runtime.observe;

import dev.postern.StateView;
import dev.postern.TimeSource;
import java.util.List;
import java.util.function.Supplier;

/** Implemented by observers that also show the state of filters. The runtime gives such an observer a view of each gateway. */
public interface StateGauges {
    /**
     * Shows a gateway until the result is closed. The supplier is called on any thread, every ten seconds and, while
     * somebody reads metrics, about once a second; it must not block. When it throws, what it gave before is shown.
     *
     * @param time the gateway's clock; a timer of it runs until the result is closed
     * @param states the state there is now
     */
    UpstreamGauges.Watch watchStates(TimeSource time, Supplier<List<StateView>> states);
}
