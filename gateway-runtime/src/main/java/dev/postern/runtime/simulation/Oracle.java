package dev.postern.runtime.simulation;

import dev.postern.Failure;
import dev.postern.Request;
import dev.postern.RetryPolicy;
import dev.postern.Upstream;
import dev.postern.runtime.balancing.Attempts;
import dev.postern.runtime.balancing.ClusterView;
import dev.postern.runtime.balancing.EndpointState;
import dev.postern.runtime.balancing.Selection;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Knows the rules that hold for every run, from their documentation and not from the code that follows them, and writes down
 * what breaks one.
 *
 * <ul>
 *   <li>An attempt goes to an endpoint on the list, before the deadline, and not to one that is unhealthy or ejected while
 *       enough are neither.
 *   <li>An endpoint that refused gets one probe at a time while another can be reached.
 *   <li>Retries are as many as the budget has, no fewer and no more, in its own account.
 *   <li>Outliers are ejected only below the share.
 *   <li>Pauses differ.
 *   <li>Who has an answer has nothing else under way; in the end nothing is.
 * </ul>
 */
final class Oracle {
    private static final int SLOTS = 10;
    private static final int MANY = 30;

    private final Report report;
    private final Upstream upstream;
    private final RetryPolicy policy;
    private final VirtualTime time;
    // By second.
    private final Map<Long, Integer> requests = new HashMap<>();
    private final Map<Long, Integer> retries = new HashMap<>();
    private final Map<Attempts, Account> accounts = new IdentityHashMap<>();
    private final Map<String, Door> doors = new HashMap<>();
    private final Map<Report.Attempt, Boolean> probing = new IdentityHashMap<>();
    private final List<Long> pauses = new ArrayList<>();
    private Set<String> standing = new HashSet<>();
    private List<String> members = List.of();
    private int ejected;

    /** What an exchange has been allowed. */
    private static final class Account {
        private int retries;
        private long slot = -1;
    }

    /** What connects to an endpoint have shown. News from attempts that are older than other news is told apart. */
    private static final class Door {
        private boolean closed;
        private boolean doubtful;
        /** When a connect failed last, of however old an attempt. */
        private long doubtedAt = -1;

        private long closedAt = -1;
        private long openedAt = -1;
        /** Attempts begun while it was closed, that nobody knows the end of yet. */
        private int waiting;
    }

    Oracle(Report report, Upstream upstream, VirtualTime time) {
        this.report = report;
        this.upstream = upstream;
        this.time = time;
        policy = upstream.retry();
    }

    // ---- retries and their budget

    void begins(Attempts attempts) {
        accounts.put(attempts, new Account());
        if (policy.maxRetries() > 0) {
            requests.merge(slot(), 1, Integer::sum);
        }
    }

    void decided(
            Attempts attempts,
            Request request,
            long wait,
            @Nullable Failure failure,
            int status,
            boolean sent,
            long remaining) {
        Account account = account(attempts);
        if (wait == Attempts.OTHER_GOES_ON) {
            return;
        }
        boolean wanted = named(failure, status)
                && (!sent || request.method().equals("GET"))
                && account.retries < policy.maxRetries();
        boolean timely = remaining > policy.maxBackOff().toNanos();
        boolean affordable = policy.budgetShare() > 1 || affordable();
        if (wait >= 0 && (!wanted || !affordable)) {
            violation("a retry was allowed that is not " + (wanted ? "within the budget" : "in the policy"));
        }
        if (wait >= 0 && wait >= remaining) {
            violation("a retry was allowed in " + wait + " ns, " + remaining + " ns before the deadline");
        }
        if (wait == -1 && wanted && timely && affordable) {
            violation("a retry was refused although the budget has one: " + made() + " made, " + begun() + " requests");
        }
        if (wait >= 0) {
            account.retries++;
            account.slot = slot();
            retries.merge(slot(), 1, Integer::sum);
            if (wait > 0) {
                pauses.add(wait);
            }
        }
    }

    void retries(Attempts attempts) {
        account(attempts).slot = -1;
    }

    void refunds(Attempts attempts) {
        Account account = account(attempts);
        if (account.slot >= 0) {
            retries.merge(account.slot, -1, Integer::sum);
        }
    }

    private Account account(Attempts attempts) {
        return accounts.computeIfAbsent(attempts, asked -> new Account());
    }

    private boolean named(@Nullable Failure failure, int status) {
        if (failure == null) {
            return policy.statuses().contains(status);
        }
        return switch (failure) {
            case CONNECT_FAILED, CONNECT_TIMEOUT -> policy.afterConnectFailure();
            case RESET_BEFORE_HEAD -> policy.afterReset();
            case FIRST_BYTE_TIMEOUT -> policy.afterTimeout();
            default -> false;
        };
    }

    private boolean affordable() {
        return made() + 1 <= policy.budgetShare() * begun() + (double) SLOTS * policy.budgetPerSecond();
    }

    private int made() {
        return recent(retries);
    }

    private int begun() {
        return recent(requests);
    }

    private int recent(Map<Long, Integer> counts) {
        int sum = 0;
        for (long slot = slot() - SLOTS + 1; slot <= slot(); slot++) {
            sum += counts.getOrDefault(slot, 0);
        }
        return sum;
    }

    /** The run begins on a second. */
    private long slot() {
        return time.elapsed() / 1_000_000_000L;
    }

    // ---- attempts

    void attempted(
            ClusterView view,
            Selection selection,
            Request request,
            long remaining,
            Report.Kind kind,
            Report.Attempt facts) {
        EndpointState endpoint = selection.endpoint();
        if (!view.endpoints().contains(endpoint)) {
            violation("an attempt went to " + endpoint + ", which has left the list");
            return;
        }
        if (remaining <= 0) {
            violation("an attempt began after the deadline");
        }
        health(view, endpoint, facts);
        Door door = door(endpoint);
        boolean others = others(view, endpoint);
        if (door.closed && others) {
            if (door.waiting > 0) {
                violation(endpoint + " refuses and gets two probes at a time");
            }
            door.waiting++;
            probing.put(facts, Boolean.TRUE);
        }
    }

    void connected(Selection selection, Report.Attempt facts, boolean open) {
        Door door = door(selection.endpoint());
        if (!open) {
            door.doubtful = true;
            door.doubtedAt = time.elapsed();
            if (facts.begun() >= door.openedAt) {
                door.closed = true;
                door.closedAt = time.elapsed();
            }
        } else if (facts.begun() >= door.closedAt) {
            door.closed = false;
            // Who began before the failure was known has nothing to say against it: the policies see it that way too.
            door.doubtful &= facts.begun() < door.doubtedAt;
            door.openedAt = time.elapsed();
        }
        ended(selection, facts);
    }

    void ended(Selection selection, Report.Attempt facts) {
        if (probing.remove(facts) != null) {
            door(selection.endpoint()).waiting--;
        }
    }

    /** It is on the list again, and nothing is held against it. */
    void joined(String uri) {
        Door door = doors.computeIfAbsent(uri, asked -> new Door());
        door.closed = false;
        door.doubtful = false;
        door.openedAt = time.elapsed();
    }

    private Door door(EndpointState endpoint) {
        return doors.computeIfAbsent(endpoint.uri(), uri -> new Door());
    }

    /** Unhealthy and ejected endpoints get nothing while the healthy ones are at least the panic threshold. */
    private void health(ClusterView view, EndpointState chosen, Report.Attempt facts) {
        if (well(chosen)) {
            return;
        }
        int healthy = 0;
        int all = 0;
        boolean reachable = true;
        for (EndpointState endpoint : view.endpoints()) {
            if (!peers(view, endpoint, chosen)) {
                continue;
            }
            all++;
            if (well(endpoint)) {
                healthy++;
                reachable &= !door(endpoint).doubtful;
            }
        }
        // With priorities a group that can take everything counts for all; that is for their own test.
        boolean believed = healthy >= upstream.panicThreshold() * all
                && healthy > 0
                && upstream.priorityLabel() == null
                && upstream.zoneLabel() == null;
        // A balancer of keys refuses rather than goes elsewhere, and slow start may pass over all who are well.
        if (believed && reachable) {
            violation(facts.kind() + " went to " + chosen + ", which is "
                    + (chosen.ejection() == null ? "unhealthy" : "ejected") + ", while " + healthy + " of " + all
                    + " are well");
        }
    }

    private boolean others(ClusterView view, EndpointState chosen) {
        for (EndpointState endpoint : view.endpoints()) {
            if (endpoint != chosen && well(endpoint) && !door(endpoint).doubtful && peers(view, endpoint, chosen)) {
                return true;
            }
        }
        return false;
    }

    /** Whether a request that may go to one may go to the other; in simulations all requests name a subset. */
    private boolean peers(ClusterView view, EndpointState one, EndpointState other) {
        String label = upstream.subsetLabel();
        return label == null || labels(view, one, label).equals(labels(view, other, label));
    }

    private static String labels(ClusterView view, EndpointState endpoint, String label) {
        int place = view.endpoints().indexOf(endpoint);
        return view.declared().get(place).labels().getOrDefault(label, "");
    }

    private static boolean well(EndpointState endpoint) {
        return endpoint.well() && endpoint.ejection() == null;
    }

    // ---- how the endpoints stand

    /** Asked after everything that may have changed it. */
    void stands(ClusterView view) {
        int out = 0;
        int well = 0;
        boolean changed = view.endpoints().size() != members.size();
        for (EndpointState endpoint : view.endpoints()) {
            out += endpoint.ejection() == null ? 0 : 1;
            boolean now = well(endpoint);
            well += now ? 1 : 0;
            changed |= now != standing.contains(endpoint.uri());
        }
        if (changed || well != standing.size()) {
            Set<String> next = new HashSet<>();
            List<String> all = new ArrayList<>();
            List<String> healthy = new ArrayList<>();
            List<String> returned = new ArrayList<>();
            for (EndpointState endpoint : view.endpoints()) {
                all.add(endpoint.uri());
                if (well(endpoint)) {
                    next.add(endpoint.uri());
                    healthy.add(endpoint.uri());
                    if (!standing.contains(endpoint.uri()) && !members.isEmpty()) {
                        returned.add(endpoint.uri());
                    }
                }
            }
            report.standings.add(
                    new Report.Standing(time.elapsed(), List.copyOf(all), List.copyOf(healthy), List.copyOf(returned)));
            report.event(time.elapsed(), "healthy", null, healthy.size());
            standing = next;
            members = all;
        }
        if (out > ejected && upstream.outlierDetection() != null) {
            double share = upstream.outlierDetection().maxEjectedShare();
            if ((double) (out - 1) / view.endpoints().size() >= share) {
                violation(out + " of " + view.endpoints().size() + " endpoints are ejected (at most one more than "
                        + share + " of them)");
            }
        }
        ejected = out;
    }

    // ---- ends

    void threw(RuntimeException thrown) {
        violation("the policies threw " + thrown + ", because of " + thrown.getCause());
    }

    void left(int exchange, int attempts) {
        violation("exchange " + exchange + " is over with " + attempts + " attempts under way");
    }

    void end(ClusterView view, int open, int inFlight) {
        if (open != 0) {
            violation(open + " exchanges never ended");
        }
        if (inFlight != 0) {
            violation(inFlight + " permits were never given back");
        }
        for (EndpointState endpoint : view.endpoints()) {
            if (endpoint.surplusReleases() != 0) {
                violation(endpoint + " was given back " + endpoint.surplusReleases() + " permits too many");
            }
        }
        if (pauses.size() >= MANY && new HashSet<>(pauses).size() < pauses.size() / 2) {
            violation(
                    "of " + pauses.size() + " pauses before retries only " + new HashSet<>(pauses).size() + " differ");
        }
    }

    private void violation(String what) {
        report.violation(time.elapsed(), what);
    }
}
