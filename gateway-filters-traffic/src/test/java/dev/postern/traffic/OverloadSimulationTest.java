package dev.postern.traffic;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.traffic.Bulkhead.Standing;
import dev.postern.traffic.Bulkhead.Ticket;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.function.LongToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A service that does 200 a second is offered 2,000 in three priorities; the bulkhead and its algorithms are the real ones,
 * clients, service and clock are not. One thread, seeded: the same numbers in every run.
 */
class OverloadSimulationTest {
    private static final long SECOND = 1_000_000_000;
    private static final int WORKERS = 20;
    private static final long SERVICE = SECOND / 10;
    private static final int CAP = 200;
    private static final int LINE = 8;
    private static final int RESERVED = 10;
    private static final long PATIENCE = SECOND * 8 / 100;
    private static final int SECONDS = Integer.getInteger("postern.overload.virtual.seconds", 60);

    private record Event(long at, long order, Runnable run) implements Comparable<Event> {
        @Override
        public int compareTo(Event other) {
            return at != other.at ? Long.compare(at, other.at) : Long.compare(order, other.order);
        }
    }

    /** One world: its clock, its service, what came of the requests. */
    private static final class World {
        private final SplittableRandom random = new SplittableRandom(7);
        private final PriorityQueue<Event> events = new PriorityQueue<>();
        private final Deque<Runnable> line = new ArrayDeque<>();
        private final LongToDoubleFunction slowness;
        private final List<long[]> served = new ArrayList<>();
        private final int[] offered = new int[3];
        private final List<Integer> limits = new ArrayList<>();
        private Bulkhead bulkhead;
        private long now;
        private long order;
        private int busy;

        World(LongToDoubleFunction slowness) {
            this.slowness = slowness;
        }

        void at(long when, Runnable run) {
            events.add(new Event(when, order++, run));
        }

        void run(String limit, int seconds, double... rates) {
            bulkhead = bulkhead(limit, random.split());
            for (Priority priority : Priority.values()) {
                arrive(priority, rates[priority.ordinal()], seconds * SECOND);
            }
            for (long second = 1; second <= seconds; second++) {
                at(second * SECOND, () -> limits.add(bulkhead.limit()));
            }
            for (Event next = events.poll(); next != null; next = events.poll()) {
                now = next.at();
                next.run().run();
            }
            assertThat(bulkhead.isIdle()).as("nothing is held").isTrue();
        }

        private void arrive(Priority priority, double rate, long end) {
            long when = now + (long) (-Math.log(1 - random.nextDouble()) / rate * SECOND);
            if (when < end) {
                at(when, () -> {
                    arrive(priority, rate, end);
                    offered[priority.ordinal()]++;
                    new Caller(priority).enter();
                });
            }
        }

        private final class Caller {
            private final Priority priority;
            private final long arrived = now;
            private long began;
            private Ticket ticket;

            Caller(Priority priority) {
                this.priority = priority;
            }

            void enter() {
                ticket = bulkhead.enter(priority, now, () -> at(now, this::told));
                told();
                if (ticket.standing() == Standing.WAITING) {
                    at(now + PATIENCE, () -> ticket.giveUp(now));
                }
            }

            private void told() {
                if (ticket.standing() == Standing.ADMITTED) {
                    began = now;
                    line.addLast(() -> at(now + serviceTime(), this::answered));
                    work();
                }
            }

            private void answered() {
                busy--;
                work();
                bulkhead.observed(now - began, false, now);
                ticket.release(now);
                served.add(new long[] {priority.ordinal(), arrived, now - arrived});
            }
        }

        private void work() {
            while (busy < WORKERS && !line.isEmpty()) {
                busy++;
                line.removeFirst().run();
            }
        }

        private long serviceTime() {
            return (long) (SERVICE * slowness.applyAsDouble(now) * Math.exp(0.1 * random.nextGaussian()));
        }

        double perSecond(long from, long to) {
            return served.stream()
                            .filter(one -> one[1] + one[2] >= from * SECOND && one[1] + one[2] < to * SECOND)
                            .count()
                    / (double) (to - from);
        }

        double share(Priority priority) {
            return served.stream().filter(one -> one[0] == priority.ordinal()).count()
                    / (double) offered[priority.ordinal()];
        }

        double p99Millis() {
            long[] all = served.stream().mapToLong(one -> one[2]).toArray();
            Arrays.sort(all);
            return all[(int) Math.ceil(all.length * 0.99) - 1] / 1e6;
        }
    }

    private static Bulkhead bulkhead(String limit, SplittableRandom random) {
        LimitFinder finder = switch (limit) {
            case "gradient" -> new LimitFinder(AdaptiveLimit.gradient(), random, 0);
            case "vegas" -> new LimitFinder(AdaptiveLimit.vegas(), random, 0);
            default -> null;
        };
        return new Bulkhead(WORKERS + 2, finder, LINE, RESERVED, shedding -> {});
    }

    private static World calm() {
        World world = new World(now -> 1);
        world.run("fixed", 60, 10, 20, 20);
        assertThat(world.share(Priority.SHEDDABLE)).isEqualTo(1);
        return world;
    }

    @ParameterizedTest
    @ValueSource(strings = {"fixed", "gradient", "vegas"})
    void ten_times_too_much_is_answered_as_quickly_and_the_critical_are_all_served(String limit) {
        double calm = calm().p99Millis();
        World world = new World(now -> 1);
        world.run(limit, SECONDS, 100, 900, 1000);
        String seen = "%s: %.1f/s, critical %.5f, normal %.3f, sheddable %.3f, p99 %.1f ms (calm %.1f ms)"
                .formatted(
                        limit,
                        world.perSecond(0, SECONDS),
                        world.share(Priority.CRITICAL),
                        world.share(Priority.NORMAL),
                        world.share(Priority.SHEDDABLE),
                        world.p99Millis(),
                        calm);
        assertThat(world.perSecond(0, SECONDS)).as(seen).isGreaterThanOrEqualTo(0.9 * CAP);
        assertThat(world.share(Priority.CRITICAL)).as(seen).isGreaterThanOrEqualTo(0.999);
        assertThat(world.share(Priority.NORMAL)).as(seen).isGreaterThan(world.share(Priority.SHEDDABLE));
        assertThat(world.p99Millis()).as(seen).isLessThanOrEqualTo(2 * calm);
    }

    @ParameterizedTest
    @ValueSource(strings = {"gradient", "vegas"})
    void follows_a_service_that_becomes_slow_and_recovers(String limit) {
        // From second 30 to 50 everything takes five times as long.
        World world = new World(now -> now >= 30 * SECOND && now < 50 * SECOND ? 5 : 1);
        world.run(limit, 90, 10, 200, 200);
        String seen = limit + ": limits " + world.limits;
        assertThat(world.limits.subList(20, 29)).as(seen).allMatch(found -> found >= 18 && found <= 40);
        assertThat(world.limits.subList(0, 90)).as(seen).allMatch(found -> found >= 5 && found <= 200);
        assertThat(world.limits.subList(45, 49)).as(seen).allMatch(found -> found <= 20);
        assertThat(world.limits.subList(70, 89)).as(seen).allMatch(found -> found >= 18 && found <= 40);
        assertThat(world.perSecond(70, 89)).as(seen).isGreaterThanOrEqualTo(0.9 * CAP);
    }

    @Test
    void runs_are_repeated_exactly() {
        assertThat(calm().served).usingRecursiveComparison().isEqualTo(calm().served);
    }
}
