package dev.postern.runtime.simulation;

import dev.postern.CallLimits;
import dev.postern.Endpoint;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.TimeSource;
import dev.postern.Upstream;
import dev.postern.runtime.balancing.Attempts;
import dev.postern.runtime.balancing.Cluster;
import dev.postern.runtime.balancing.ClusterView;
import dev.postern.runtime.balancing.Selection;
import dev.postern.runtime.health.Outliers;
import dev.postern.runtime.health.Prober;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * One run: clients, the policies as they are in the gateway, and endpoints that only pretend. One thread, one clock.
 *
 * <pre>
 *   arrivals ─▶ Visit ─▶ Attempts, ClusterView (real) ─▶ Leg ─▶ Behaviour
 *                          ▲            ▲                 │
 *              Outliers, Prober (real)  └── verdicts ─────┘        Oracle watches all of it
 * </pre>
 */
final class World {
    private static final long CONNECT_NANOS = 500_000;

    private final Simulation plan;
    private final VirtualTime time;
    private final SplittableRandom arrivals;
    private final SplittableRandom network;
    private final Report report;
    private final Cluster cluster;
    private final Prober prober;
    private final Outliers outliers;
    private final Oracle oracle;
    private final Map<String, Behaviour> behaviours = new HashMap<>();
    private final List<Endpoint> list = new ArrayList<>();
    private final List<Visit> open = new ArrayList<>();
    private final Request read = Request.get("/");
    private final Request write = Request.of("POST", "/");
    /** The values of the subset label; requests ask for one after the other. */
    private final List<String> subsets;

    private ClusterView view;
    private int visits;
    private boolean closing;

    World(Simulation plan, long seed, List<Happening> happenings, boolean written) {
        this.plan = plan;
        SplittableRandom root = new SplittableRandom(seed);
        // Somewhere in the life of a clock, on a second: what happens does not depend on where.
        time = new VirtualTime(root.nextLong(1_000_000) * 1_000_000_000L);
        arrivals = root.split();
        network = root.split();
        SplittableRandom lent = root.split();
        Upstream upstream = plan.upstream();
        String label = upstream.subsetLabel();
        subsets = label == null
                ? List.of()
                : upstream.endpoints().stream()
                        .map(endpoint -> endpoint.labels().getOrDefault(label, ""))
                        .distinct()
                        .toList();
        report = new Report(upstream, seed, plan.duration(), happenings, written);
        // Tickets begin so that they wrap during the run.
        cluster = new Cluster(upstream.name(), time, Long.MAX_VALUE - root.nextInt(500));
        VirtualServices services = new VirtualServices(time, lent, this::asked);
        prober = new Prober(any -> services);
        outliers = new Outliers(services);
        services.doors(this::reached);
        for (Endpoint endpoint : upstream.endpoints()) {
            list.add(endpoint);
            String uri = Simulation.canonical(endpoint.uri());
            behaviours.put(uri, plan.behaviour(uri));
        }
        view = cluster.view(upstream, list);
        oracle = new Oracle(report, upstream, time);
        follow();
        for (Happening happening : happenings) {
            time.in(happening.at().toNanos(), () -> happen(happening));
        }
    }

    Report run() {
        arrive();
        time.runUntil(plan.duration().toNanos());
        closing = true;
        // Whoever is still there has an answer, or its deadline.
        time.runUntil(plan.duration().plus(plan.deadline()).toNanos() + 1);
        prober.stop();
        outliers.stop();
        oracle.end(view, open.size(), cluster.state(view).inFlight());
        return report;
    }

    private void follow() {
        outliers.watch(view);
        prober.watch(view);
        oracle.stands(view);
    }

    private void arrive() {
        if (closing) {
            return;
        }
        double gap = -Math.log(1 - arrivals.nextDouble()) / plan.requestsPerSecond();
        time.in((long) (gap * 1e9), () -> {
            if (!closing) {
                boolean writes = arrivals.nextDouble() < plan.writes();
                boolean leaves = arrivals.nextDouble() < plan.leaving();
                double patience = arrivals.nextDouble();
                new Visit(writes ? write : read, leaves ? patience : -1).begin();
                arrive();
            }
        });
    }

    private void happen(Happening happening) {
        report.event(time.elapsed(), happening.kind().name(), happening, 0);
        String uri = happening.endpoint();
        Behaviour behaviour = happening.behaviour();
        if (behaviour != null) {
            behaviours.put(uri, behaviour);
        }
        boolean listed = list.stream().anyMatch(endpoint -> is(endpoint, uri));
        if (happening.kind() == Happening.Kind.JOINS && !listed) {
            list.add(declared(uri));
            oracle.joined(uri);
            view = cluster.view(plan.upstream(), list);
        } else if (happening.kind() == Happening.Kind.LEAVES && listed && list.size() > 1) {
            list.removeIf(endpoint -> is(endpoint, uri));
            view = cluster.view(plan.upstream(), list);
        }
        follow();
    }

    private static boolean is(Endpoint endpoint, String uri) {
        return Simulation.canonical(endpoint.uri()).equals(uri);
    }

    /** As it was declared, when it comes back. */
    private Endpoint declared(String uri) {
        return plan.upstream().endpoints().stream()
                .filter(endpoint -> is(endpoint, uri))
                .findFirst()
                .orElseGet(() -> Endpoint.of(uri));
    }

    private Behaviour behaviour(String uri) {
        Behaviour known = behaviours.get(uri);
        return known == null ? plan.behaviour(uri) : known;
    }

    /** A health check. */
    private CompletionStage<Response> asked(Endpoint endpoint, CallLimits limits) {
        CompletableFuture<Response> answer = new CompletableFuture<>();
        Behaviour behaviour = behaviour(Simulation.canonical(endpoint.uri()));
        long nanos = Math.min(
                limits.timeout().toNanos(),
                behaviour.door() == Behaviour.Door.OPEN
                        ? behaviour.latencyNanos(network)
                        : behaviour.door() == Behaviour.Door.REFUSES ? CONNECT_NANOS : Long.MAX_VALUE);
        boolean fails = behaviour.door() != Behaviour.Door.OPEN
                || nanos >= limits.timeout().toNanos()
                || behaviour.fails(network);
        time.in(nanos, () -> {
            if (fails) {
                answer.completeExceptionally(new GatewayException(Failure.CONNECT_FAILED, "simulated"));
            } else {
                answer.complete(Response.of(200));
            }
            oracle.stands(view);
        });
        return answer;
    }

    /** A health check that only connects. */
    private CompletionStage<Void> reached(Endpoint endpoint, Duration timeout) {
        CompletableFuture<Void> answer = new CompletableFuture<>();
        Behaviour.Door door = behaviour(Simulation.canonical(endpoint.uri())).door();
        time.in(door == Behaviour.Door.UNREACHABLE ? timeout.toNanos() : CONNECT_NANOS, () -> {
            if (door == Behaviour.Door.OPEN || door == Behaviour.Door.SILENT) {
                answer.complete(null);
            } else {
                answer.completeExceptionally(new GatewayException(Failure.CONNECT_FAILED, "simulated"));
            }
            oracle.stands(view);
        });
        return answer;
    }

    /** One request of a client: does what the forwarding does, in its order. */
    private final class Visit {
        private final int number = visits++;
        private final Request request;
        private final long begun = time.elapsed();
        private final long deadline = begun + plan.deadline().toNanos();
        private final double leaves;
        private final Attempts attempts;
        private final List<Leg> legs = new ArrayList<>(2);
        private @Nullable Leg first;
        private TimeSource.@Nullable Timer patience;
        private TimeSource.@Nullable Timer pause;
        private TimeSource.@Nullable Timer end;
        private TimeSource.@Nullable Timer gone;
        private boolean over;

        Visit(Request request, double leaves) {
            this.request = request;
            this.leaves = leaves;
            attempts = new Attempts(
                    () -> view,
                    request,
                    key -> key.equals(plan.upstream().subsetKey())
                            ? subsets.get(number % subsets.size())
                            : "key" + number % 50);
            oracle.begins(attempts);
            open.add(this);
        }

        void begin() {
            end = time.in(plan.deadline().toNanos(), () -> cut(true));
            if (leaves >= 0) {
                gone = time.in((long) (leaves * plan.deadline().toNanos()), () -> cut(false));
            }
            attempt(Report.Kind.FIRST);
        }

        private void attempt(Report.Kind kind) {
            if (over) {
                return;
            }
            Selection selection;
            try {
                selection = attempts.select();
            } catch (RuntimeException thrown) {
                oracle.threw(thrown);
                finish(0, false);
                return;
            }
            if (selection == null) {
                finish(0, false);
                return;
            }
            Leg leg = new Leg(this, selection, kind);
            first = leg;
            legs.add(leg);
            long after = attempts.hedgeAfter();
            if (after >= 0 && after < remaining() && patience == null) {
                patience = time.in(after, this::hedge);
            }
            leg.begin();
        }

        private void hedge() {
            patience = null;
            if (over || first == null || legs.size() != 1) {
                return;
            }
            Selection selection = attempts.selectHedge();
            if (selection != null) {
                Leg leg = new Leg(this, selection, Report.Kind.HEDGE);
                legs.add(leg);
                leg.begin();
            }
        }

        void failed(Leg leg, Failure failure, boolean sent) {
            leg.over(0, failure);
            leg.selection.unanswered(failure);
            long wait = attempts.afterFailure(leg.selection, failure, sent, true, remaining());
            leg.selection.release();
            oracle.stands(view);
            decided(leg, wait, failure, 0, sent);
            if (wait == -1) {
                finish(0, false);
            }
        }

        void answered(Leg leg, int status) {
            leg.selection.answered(status);
            long wait = attempts.judgesAnswers()
                    ? attempts.afterAnswer(leg.selection, status, -1, -1, true, remaining())
                    : -1;
            leg.over(status, null);
            if (wait != -1) {
                leg.selection.release();
                oracle.stands(view);
                decided(leg, wait, null, status, true);
                return;
            }
            if (attempts.judgesAnswers()) {
                decided(leg, wait, null, status, true);
            }
            Selection loser = attempts.won(leg.selection);
            for (Leg other : List.copyOf(legs)) {
                if (other.selection == loser) {
                    other.selection.outpaced();
                    other.cut();
                }
            }
            leg.selection.release();
            oracle.stands(view);
            finish(status, false);
        }

        private void decided(Leg leg, long wait, @Nullable Failure failure, int status, boolean sent) {
            oracle.decided(attempts, request, wait, failure, status, sent, remaining());
            legs.remove(leg);
            if (wait == Attempts.OTHER_GOES_ON) {
                first = legs.isEmpty() ? null : legs.get(0);
            } else if (wait >= 0) {
                first = null;
                stop(patience);
                patience = null;
                if (wait == 0) {
                    retry();
                } else {
                    pause = time.in(wait, this::retry);
                }
            }
        }

        private void retry() {
            pause = null;
            oracle.retries(attempts);
            attempt(Report.Kind.RETRY);
        }

        /** The deadline has passed, or the client has left. */
        private void cut(boolean late) {
            if (over) {
                return;
            }
            for (Leg leg : List.copyOf(legs)) {
                if (late && leg.sent) {
                    leg.selection.unanswered(Failure.DEADLINE_EXCEEDED);
                }
                leg.cut();
            }
            oracle.stands(view);
            finish(0, !late);
        }

        private void finish(int status, boolean left) {
            over = true;
            if (pause != null) {
                oracle.refunds(attempts);
            }
            attempts.end();
            stop(patience);
            stop(pause);
            stop(end);
            stop(gone);
            open.remove(this);
            int stillRunning = 0;
            for (Leg leg : legs) {
                stillRunning += leg.done ? 0 : 1;
            }
            if (stillRunning > 0) {
                oracle.left(number, stillRunning);
            }
            long now = time.elapsed();
            report.exchanges.add(new Report.Exchange(begun, now, status, left));
            report.event(now, left ? "left" : "answered", null, status);
        }

        private void stop(TimeSource.@Nullable Timer timer) {
            if (timer != null) {
                timer.cancel();
            }
        }

        private long remaining() {
            return deadline - time.elapsed();
        }
    }

    /** One attempt on the wire. */
    private final class Leg {
        private final Visit visit;
        private final Selection selection;
        private final String uri;
        private final Report.Attempt facts;
        private TimeSource.@Nullable Timer next;
        private TimeSource.@Nullable Timer bound;
        private boolean sent;
        private boolean done;

        Leg(Visit visit, Selection selection, Report.Kind kind) {
            this.visit = visit;
            this.selection = selection;
            uri = selection.endpoint().uri();
            facts = new Report.Attempt(visit.number, kind, uri, time.elapsed());
            report.attempts.add(facts);
            report.event(time.elapsed(), kind.name(), uri, visit.number);
            oracle.attempted(view, selection, visit.request, visit.remaining(), kind, facts);
        }

        void begin() {
            Upstream config = plan.upstream();
            Duration least = config.retry().perTryTimeout();
            if (config.firstByteTimeout() != null
                    && (least == null || config.firstByteTimeout().compareTo(least) < 0)) {
                least = config.firstByteTimeout();
            }
            if (least != null) {
                bound = time.in(least.toNanos(), () -> {
                    if (!done) {
                        visit.failed(this, Failure.FIRST_BYTE_TIMEOUT, sent);
                    }
                });
            }
            Behaviour behaviour = behaviour(uri);
            switch (behaviour.door()) {
                case REFUSES -> next = time.in(CONNECT_NANOS, () -> refused(Failure.CONNECT_FAILED));
                case UNREACHABLE ->
                    next = time.in(config.connectTimeout().toNanos(), () -> refused(Failure.CONNECT_TIMEOUT));
                default -> next = time.in(CONNECT_NANOS, this::connected);
            }
        }

        private void refused(Failure failure) {
            if (!done) {
                selection.connectFailed();
                oracle.connected(selection, facts, false);
                visit.failed(this, failure, false);
            }
        }

        private void connected() {
            if (done) {
                return;
            }
            selection.succeeded();
            oracle.connected(selection, facts, true);
            sent = true;
            // It may have changed while the connection was made.
            Behaviour behaviour = behaviour(uri);
            if (behaviour.door() == Behaviour.Door.SILENT) {
                return;
            }
            boolean fails = behaviour.fails(network);
            long nanos = fails ? behaviour.failureNanos() : behaviour.latencyNanos(network);
            next = time.in(nanos, () -> {
                if (done) {
                    return;
                }
                if (fails && behaviour.failureStatus() == 0) {
                    visit.failed(this, Failure.RESET_BEFORE_HEAD, true);
                } else {
                    visit.answered(this, fails ? behaviour.failureStatus() : 200);
                }
            });
        }

        /** Nobody wants it any more. */
        void cut() {
            if (!done) {
                over(0, Failure.CLIENT_GONE);
                selection.release();
            }
        }

        void over(int status, @Nullable Failure failure) {
            done = true;
            facts.end(time.elapsed(), status, failure);
            oracle.ended(selection, facts);
            if (next != null) {
                next.cancel();
            }
            if (bound != null) {
                bound.cancel();
            }
        }
    }
}
