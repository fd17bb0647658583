package dev.postern.runtime.health;

import dev.postern.OutlierDetection;
import dev.postern.Services;
import dev.postern.runtime.balancing.ClusterView;
import java.util.HashMap;
import java.util.Map;

/**
 * Runs the outlier detection of all upstreams of a gateway. Follows config swaps and discoveries, as {@link Prober} does:
 * an endpoint that stays on the list keeps its counts and its ejection, also under new rules. Safe on any thread.
 */
public final class Outliers {
    private final Services services;
    // Guarded by this.
    private final Map<String, OutlierDetector> detectors = new HashMap<>();
    private boolean stopped;

    /** Without upstreams. */
    public Outliers(Services services) {
        this.services = services;
    }

    /** Follows this view of its upstream instead of an earlier one. */
    public synchronized void watch(ClusterView view) {
        String upstream = view.config().name();
        OutlierDetection rules = view.config().outlierDetection();
        if (stopped || rules == null) {
            forget(upstream);
            view.witness(null);
            return;
        }
        OutlierDetector detector = detectors.get(upstream);
        if (detector == null) {
            detector = new OutlierDetector(upstream, services, rules);
            detectors.put(upstream, detector);
            detector.start();
        }
        detector.follow(view, rules);
    }

    /** Ends the detection of an upstream that is gone. */
    public synchronized void forget(String upstream) {
        OutlierDetector detector = detectors.remove(upstream);
        if (detector != null) {
            detector.stop();
        }
    }

    /** Ends all, for good. */
    public synchronized void stop() {
        stopped = true;
        detectors.values().forEach(OutlierDetector::stop);
        detectors.clear();
    }
}
