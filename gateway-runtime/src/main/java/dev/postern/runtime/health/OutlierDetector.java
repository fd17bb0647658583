package dev.postern.runtime.health;

import dev.postern.Failure;
import dev.postern.OutlierDetection;
import dev.postern.Services;
import dev.postern.TimeSource;
import dev.postern.runtime.balancing.ClusterView;
import dev.postern.runtime.balancing.Ejection;
import dev.postern.runtime.balancing.EndpointState;
import dev.postern.runtime.balancing.Outcomes;
import dev.postern.runtime.balancing.Witness;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Judges the endpoints of one upstream by their answers and keeps outliers out for a while (Envoy's outlier detection).
 *
 * <pre>
 *            limit in a row, or an outlier at a look              at a look after base × times
 *   IN USE ───────────────────────────────────────────▶ EJECTED ─────────────────────────────▶ IN USE
 *     │      not if the ejected are max share already      times + 1
 *     └ at each look: times − 1, not below 0
 *
 *   looks ────┼──── interval ────┼──── interval ────┼──── interval ────┼───▶ time
 * </pre>
 *
 * <p>Rows are counted and judged at once, without a lock, on the thread that brings the answer. Statistics are judged at the
 * looks. Ejections happen under the lock, so that the share is exact whatever the number of threads.
 */
final class OutlierDetector implements Witness {
    private static final Logger LOG = System.getLogger("dev.postern.health");

    private final String upstream;
    private final Services services;
    private volatile OutlierDetection rules;
    // Guarded by this, as is all below. In the order of the list, so that one seed gives one sequence.
    private final Map<EndpointState, History> records = new LinkedHashMap<>();
    private int ejected;
    private TimeSource.@Nullable Timer timer;
    private boolean stopped;

    /** What is known of an endpoint's ejections. */
    private static final class History {
        private int times;
        private boolean out;
        private long since;
        private long lasts;
    }

    /** The counts of an interval. */
    private record Interval(EndpointState endpoint, int all, int good) {
        double successRate() {
            return (double) good / all;
        }
    }

    OutlierDetector(String upstream, Services services, OutlierDetection rules) {
        this.upstream = upstream;
        this.services = services;
        this.rules = rules;
    }

    synchronized void start() {
        timer = services.time().schedule(rules.interval(), this::look);
    }

    /** Judges these endpoints by these rules from now on; those that go are forgotten, the others stay as they are. */
    synchronized void follow(ClusterView view, OutlierDetection newRules) {
        rules = newRules;
        Map<EndpointState, History> next = new LinkedHashMap<>();
        for (EndpointState endpoint : view.endpoints()) {
            History known = records.remove(endpoint);
            next.put(endpoint, known == null ? new History() : known);
        }
        records.forEach(this::release);
        records.clear();
        records.putAll(next);
        view.witness(this);
    }

    /** Ends all ejections and judges no more. */
    synchronized void stop() {
        stopped = true;
        if (timer != null) {
            timer.cancel();
        }
        records.forEach(this::release);
        records.clear();
    }

    // ---- answers

    @Override
    public void answered(EndpointState endpoint, int status) {
        OutlierDetection now = rules;
        Outcomes outcomes = endpoint.outcomes();
        if (now.consecutiveLocalFailures() > 0) {
            outcomes.localFailures().end();
            outcomes.connects().good();
        }
        judge(endpoint, status, now);
    }

    @Override
    public void unanswered(EndpointState endpoint, Failure failure) {
        OutlierDetection now = rules;
        if (now.consecutiveLocalFailures() == 0) {
            judge(endpoint, failure.status() >= 500 ? failure.status() : 502, now);
            return;
        }
        Outcomes outcomes = endpoint.outcomes();
        outcomes.connects().bad();
        int limit = now.consecutiveLocalFailures();
        if (outcomes.localFailures().more(limit)) {
            eject(endpoint, limit + " attempts without an answer in a row");
        }
    }

    @Override
    public synchronized void checked(EndpointState endpoint) {
        History record = records.get(endpoint);
        if (record != null && record.out && rules.endsWithCheck()) {
            restore(endpoint, record, "its health check passes");
        }
    }

    private void judge(EndpointState endpoint, int status, OutlierDetection now) {
        Outcomes outcomes = endpoint.outcomes();
        boolean gatewayFailure = status >= 502 && status <= 504;
        if (status < 500) {
            outcomes.answers().good();
            outcomes.serverErrors().end();
        } else {
            outcomes.answers().bad();
        }
        if (!gatewayFailure) {
            outcomes.gatewayFailures().end();
        } else if (now.consecutiveGatewayFailures() > 0
                && outcomes.gatewayFailures().more(now.consecutiveGatewayFailures())) {
            eject(endpoint, now.consecutiveGatewayFailures() + " answers of 502, 503 or 504 in a row");
        }
        if (status >= 500 && now.consecutive5xx() > 0 && outcomes.serverErrors().more(now.consecutive5xx())) {
            eject(endpoint, now.consecutive5xx() + " answers of 5xx in a row");
        }
    }

    // ---- looks

    private synchronized void look() {
        if (stopped) {
            return;
        }
        long now = services.time().nanoTime();
        List<Interval> answers = new ArrayList<>();
        List<Interval> connects = new ArrayList<>();
        // 1. Who may return; who behaves is forgiven.
        records.forEach((endpoint, record) -> {
            if (!record.out) {
                record.times = Math.max(0, record.times - 1);
            } else if (now - record.since >= record.lasts) {
                restore(endpoint, record, "its time is over");
            }
            // 2. The counts begin anew for all, those of the ejected too.
            Interval answered = interval(endpoint, endpoint.outcomes().answers());
            Interval connected = interval(endpoint, endpoint.outcomes().connects());
            if (!record.out) {
                answers.add(answered);
                connects.add(connected);
            }
        });
        // 3. Those that stand out.
        compare(answers, "answers");
        compare(connects, "attempts");
        timer = services.time().schedule(rules.interval(), this::look);
    }

    private static Interval interval(EndpointState endpoint, Outcomes.Tally tally) {
        long counts = tally.take();
        return new Interval(endpoint, (int) (counts >>> 32), (int) counts);
    }

    private void compare(List<Interval> all, String what) {
        OutlierDetection now = rules;
        if (now.successRateFactor() > 0) {
            List<Interval> enough = withVolume(all, now.successRateVolume());
            if (enough.size() >= now.successRateEndpoints()) {
                double threshold = threshold(enough, now.successRateFactor());
                for (Interval each : enough) {
                    if (each.successRate() < threshold) {
                        eject(each.endpoint(), "success rate of its " + what + " far below the others");
                    }
                }
            }
        }
        if (now.failureShare() > 0) {
            List<Interval> enough = withVolume(all, now.failureShareVolume());
            if (enough.size() >= now.failureShareEndpoints()) {
                for (Interval each : enough) {
                    if (each.all() - each.good() >= now.failureShare() * each.all()) {
                        eject(
                                each.endpoint(),
                                (each.all() - each.good()) + " of " + each.all() + ' ' + what + " failed");
                    }
                }
            }
        }
    }

    private static List<Interval> withVolume(List<Interval> all, int volume) {
        return all.stream().filter(each -> each.all() >= volume).toList();
    }

    /** Mean less {@code factor} standard deviations, of the whole population. */
    private static double threshold(List<Interval> all, double factor) {
        double mean = all.stream().mapToDouble(Interval::successRate).average().orElse(0);
        double variance = all.stream()
                .mapToDouble(each -> (each.successRate() - mean) * (each.successRate() - mean))
                .average()
                .orElse(0);
        return mean - factor * Math.sqrt(variance);
    }

    // ---- in and out

    private synchronized void eject(EndpointState endpoint, String reason) {
        History record = records.get(endpoint);
        if (record == null || record.out) {
            return;
        }
        OutlierDetection now = rules;
        endpoint.outcomes().endStreaks();
        if ((double) ejected / records.size() >= now.maxEjectedShare()) {
            LOG.log(
                    Level.DEBUG,
                    "endpoint {0} of upstream \"{1}\" stays: {2}, but {3} of {4} are ejected already",
                    endpoint.uri(),
                    upstream,
                    reason,
                    ejected,
                    records.size());
            return;
        }
        long base = now.baseEjection().toNanos();
        long max = Math.max(base, now.maxEjection().toNanos());
        if ((double) base * record.times < (double) max + base) {
            record.times++;
        }
        long pause = (long) Math.min((double) base * record.times, (double) max);
        if (!now.ejectionJitter().isZero()) {
            pause += (long)
                    (services.random().nextDouble() * now.ejectionJitter().toNanos());
        }
        record.out = true;
        record.since = services.time().nanoTime();
        record.lasts = pause;
        ejected++;
        endpoint.eject(new Ejection(reason, record.since + pause));
        LOG.log(
                Level.WARNING,
                "endpoint {0} of upstream \"{1}\" is ejected for {2}: {3} ({4} of {5} ejected)",
                endpoint.uri(),
                upstream,
                Duration.ofNanos(pause),
                reason,
                ejected,
                records.size());
    }

    private void restore(EndpointState endpoint, History record, String reason) {
        release(endpoint, record);
        LOG.log(Level.INFO, "endpoint {0} of upstream \"{1}\" is in use again: {2}", endpoint.uri(), upstream, reason);
    }

    private void release(EndpointState endpoint, History record) {
        if (record.out) {
            record.out = false;
            ejected--;
            endpoint.outcomes().endStreaks();
            endpoint.restore();
        }
    }
}
