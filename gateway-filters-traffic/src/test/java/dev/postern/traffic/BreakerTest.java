package dev.postern.traffic;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.traffic.Breaker.Count;
import dev.postern.traffic.Breaker.Ending;
import dev.postern.traffic.Breaker.State;
import dev.postern.traffic.BreakerSwitch.Position;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The states of a breaker over time that is moved by hand, at and beside every boundary. */
class BreakerTest {
    private static final long MS = 1_000_000;
    // Clocks may begin anywhere, also just before they wrap.
    private static final long START = justBeforeItWraps();

    private final List<Breaker.Change> changes = new ArrayList<>();
    private long now = START;

    private static long justBeforeItWraps() {
        return Long.MAX_VALUE - 3_000 * MS;
    }

    private static BreakerRules rules(int lastCalls, int minimum, int percent) {
        return new BreakerRules(
                lastCalls, Duration.ofSeconds(10), minimum, percent, null, 100, Duration.ofSeconds(5), 5);
    }

    private static BreakerRules slow(int percent) {
        return new BreakerRules(
                100, Duration.ofSeconds(10), 10, 100, Duration.ofMillis(200), percent, Duration.ofSeconds(5), 4);
    }

    private Breaker breaker(BreakerRules rules) {
        return new Breaker(rules, now, changes::add);
    }

    private long ask(Breaker breaker) {
        return breaker.tryAcquire(now, Position.AUTOMATIC);
    }

    private void calls(Breaker breaker, int count, Ending ending, long millis) {
        for (int i = 0; i < count; i++) {
            long permit = ask(breaker);
            assertThat(permit).isNotEqualTo(Breaker.REFUSED);
            breaker.end(permit, ending, millis * MS, now);
        }
    }

    private void calls(Breaker breaker, int count, Ending ending) {
        calls(breaker, count, ending, 1);
    }

    // ---- closed → open

    @ParameterizedTest
    @CsvSource({
        // window, minimum, percent, failures first, then successes → state
        "100, 20,  50, 19,  0, CLOSED", // one call below the minimum
        "100, 20,  50, 20,  0, OPEN",
        "100, 20,  50,  9, 11, CLOSED", // 45 %
        "100, 20,  50, 10, 10, OPEN", // 50 %, exactly the share
        "100, 20,  51, 10, 10, CLOSED",
        "100,  1, 100,  1,  0, OPEN",
        "100,  3, 100,  2,  1, CLOSED",
        "100,  3,  33,  1,  2, OPEN", // 33.3 %
        "100,  3,  34,  1,  2, CLOSED",
        "  1,  1,   1,  1,  0, OPEN",
        "100, 50,   1,  1, 98, OPEN", // 1 of 50, when the minimum is reached
        "0,   20,  50, 19,  0, CLOSED", // the same in a window of time
        "0,   20,  50, 20,  0, OPEN",
        "0,   20,  50,  9, 11, CLOSED",
        "0,   20,  50, 10, 10, OPEN",
        "0,   20,  51, 10, 10, CLOSED",
        "0,    3,  34,  1,  2, CLOSED",
    })
    void opens_when_the_share_is_reached_among_enough_calls(
            int window, int minimum, int percent, int failures, int successes, State expected) {
        Breaker breaker = breaker(rules(window, minimum, percent));
        calls(breaker, failures, Ending.FAILURE);
        for (int i = 0; i < successes && breaker.state() == State.CLOSED; i++) {
            calls(breaker, 1, Ending.SUCCESS);
        }
        assertThat(breaker.state()).isEqualTo(expected);
    }

    @Test
    void only_the_last_calls_count_however_long_ago_they_were() {
        Breaker breaker = breaker(rules(10, 10, 50));
        calls(breaker, 4, Ending.FAILURE);
        calls(breaker, 7, Ending.SUCCESS); // the first failure has fallen out: 3 of 10
        now += Duration.ofDays(300).toNanos();
        calls(breaker, 1, Ending.FAILURE); // 3 of 10 again
        calls(breaker, 1, Ending.FAILURE);
        calls(breaker, 1, Ending.FAILURE); // the last of the first four is out: 3 of 10
        assertThat(breaker.state()).isEqualTo(State.CLOSED);
        calls(breaker, 1, Ending.FAILURE);
        assertThat(breaker.state()).isEqualTo(State.CLOSED);
        calls(breaker, 1, Ending.FAILURE); // 5 of 10
        assertThat(breaker.state()).isEqualTo(State.OPEN);
    }

    @ParameterizedTest
    @CsvSource({
        // A window of 10 s has slices of 1 s. Ten failures at this time, ten more at that one → state
        "0, 0, OPEN",
        "0, 9999, OPEN", // the last millisecond of slice 9
        "0, 10000, CLOSED", // slice 0 is forgotten
        "999, 9999, OPEN", // the end of slice 0: a call counts for nine tenths of the window at least
        "999, 10000, CLOSED",
        "1000, 10000, OPEN",
        "1000, 10999, OPEN",
        "1000, 11000, CLOSED",
        "0, 100000000, CLOSED",
    })
    void calls_leave_a_window_of_time_with_their_slice(long first, long second, State expected) {
        Breaker breaker = breaker(rules(0, 20, 50));
        now = START + first * MS;
        calls(breaker, 10, Ending.FAILURE);
        now = START + second * MS;
        calls(breaker, 10, Ending.FAILURE);
        assertThat(breaker.state()).isEqualTo(expected);
    }

    @Test
    void time_that_goes_back_stands_still() {
        Breaker breaker = breaker(rules(0, 20, 50));
        now = START + 15_000 * MS;
        calls(breaker, 10, Ending.FAILURE);
        now = START;
        calls(breaker, 10, Ending.FAILURE);
        assertThat(breaker.state()).isEqualTo(State.OPEN);
    }

    @ParameterizedTest
    @CsvSource({
        // percent, slow calls, their milliseconds, then quick ones → state
        "50, 5, 200, 5, OPEN", // from 200 ms on a call is slow
        "50, 5, 199, 5, CLOSED",
        "50, 4, 200, 6, CLOSED",
        "100, 10, 1000, 0, OPEN",
        "100, 9, 1000, 1, CLOSED",
    })
    void opens_when_too_many_are_slow(int percent, int slow, long millis, int quick, State expected) {
        Breaker breaker = breaker(slow(percent));
        calls(breaker, slow, Ending.SUCCESS, millis);
        calls(breaker, quick, Ending.SUCCESS, 1);
        assertThat(breaker.state()).isEqualTo(expected);
    }

    @Test
    void without_a_bound_no_call_is_slow() {
        Breaker breaker = breaker(rules(100, 10, 50));
        calls(breaker, 100, Ending.SUCCESS, 3_600_000);
        assertThat(breaker.state()).isEqualTo(State.CLOSED);
        assertThat(breaker.count(Count.SLOW)).isZero();
    }

    @Test
    void what_says_nothing_is_not_counted_as_a_call() {
        Breaker breaker = breaker(rules(100, 20, 50));
        calls(breaker, 1000, Ending.IGNORED);
        calls(breaker, 19, Ending.FAILURE);
        assertThat(breaker.state()).isEqualTo(State.CLOSED);
        calls(breaker, 1, Ending.FAILURE);
        assertThat(breaker.state()).isEqualTo(State.OPEN);
        assertThat(breaker.count(Count.IGNORED)).isEqualTo(1000);
    }

    // ---- open → half-open

    private Breaker opened(BreakerRules rules) {
        Breaker breaker = breaker(rules);
        calls(breaker, rules.minimumCalls(), Ending.FAILURE, 1);
        assertThat(breaker.state()).isEqualTo(State.OPEN);
        return breaker;
    }

    @ParameterizedTest
    @CsvSource({"0, OPEN", "4999, OPEN", "5000, HALF_OPEN", "5001, HALF_OPEN", "86400000, HALF_OPEN"})
    void refuses_for_exactly_as_long_as_it_was_told(long millis, State expected) {
        Breaker breaker = opened(rules(100, 20, 50));
        now += millis * MS;
        assertThat(ask(breaker) != Breaker.REFUSED).isEqualTo(expected == State.HALF_OPEN);
        assertThat(breaker.state()).isEqualTo(expected);
    }

    @Test
    void one_nanosecond_before_its_time_it_still_refuses() {
        Breaker breaker = opened(rules(100, 20, 50));
        now += 5_000 * MS - 1;
        assertThat(ask(breaker)).isEqualTo(Breaker.REFUSED);
        assertThat(breaker.retryAfter(now)).isEqualTo(Duration.ofNanos(1));
        now++;
        assertThat(ask(breaker)).isNotEqualTo(Breaker.REFUSED);
    }

    @Test
    void nothing_happens_without_a_call() {
        Breaker breaker = opened(rules(100, 20, 50));
        now += Duration.ofDays(1).toNanos();
        assertThat(breaker.state()).isEqualTo(State.OPEN);
        assertThat(breaker.summary(now)).isEqualTo("open, the next call is a trial");
        assertThat(breaker.retryAfter(now)).isZero();
    }

    // ---- half-open

    private Breaker halfOpen(BreakerRules rules) {
        Breaker breaker = opened(rules);
        now += rules.openFor().toNanos();
        return breaker;
    }

    @Test
    void admits_the_trials_and_no_more() {
        Breaker breaker = halfOpen(rules(100, 20, 50));
        for (int i = 0; i < 5; i++) {
            assertThat(Breaker.isTrial(ask(breaker))).isTrue();
        }
        assertThat(ask(breaker)).isEqualTo(Breaker.REFUSED);
        assertThat(breaker.summary(now)).isEqualTo("half-open, 5 of 5 trials under way, 0 ended, 0 of them failed");
    }

    @Test
    void a_trial_that_says_nothing_gives_its_place_to_the_next() {
        Breaker breaker = halfOpen(rules(100, 20, 50));
        calls(breaker, 1000, Ending.IGNORED);
        assertThat(breaker.state()).isEqualTo(State.HALF_OPEN);
        admits_exactly(breaker, 5);
    }

    private void admits_exactly(Breaker breaker, int count) {
        for (int i = 0; i < count; i++) {
            assertThat(ask(breaker)).isNotEqualTo(Breaker.REFUSED);
        }
        assertThat(ask(breaker)).isEqualTo(Breaker.REFUSED);
    }

    @ParameterizedTest
    @CsvSource({
        // percent, the endings of the five trials (F, S) → after which of them, state
        "50, FFF, 3, OPEN", // three of five decide
        "50, FFSF, 4, OPEN",
        "50, SFSFF, 5, OPEN",
        "50, SSS, 3, CLOSED", // two failures would be 40 %
        "50, FFSSS, 5, CLOSED",
        "40, FF, 2, OPEN", // 2 of 5 is 40 %
        "41, FFSSS, 5, CLOSED",
        "100, SFFFF, 1, CLOSED", // one success, and all can no longer fail
        "100, FFFFF, 5, OPEN",
        "1, F, 1, OPEN",
        "1, SSSSS, 5, CLOSED",
    })
    void the_trials_decide_as_soon_as_the_rest_cannot_change_it(
            int percent, String endings, int decided, State expected) {
        Breaker breaker = halfOpen(rules(100, 20, percent));
        for (int i = 0; i < endings.length(); i++) {
            assertThat(breaker.state()).as("before trial %d", i + 1).isEqualTo(i == 0 ? State.OPEN : State.HALF_OPEN);
            calls(breaker, 1, endings.charAt(i) == 'F' ? Ending.FAILURE : Ending.SUCCESS);
            if (i + 1 == decided) {
                break;
            }
        }
        assertThat(breaker.state()).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({"200, OPEN", "199, CLOSED"})
    void slow_trials_open_it_again(long millis, State expected) {
        Breaker breaker = breaker(slow(50));
        calls(breaker, 10, Ending.FAILURE);
        now += 5_000 * MS;
        calls(breaker, 1, Ending.SUCCESS, millis);
        calls(breaker, 1, Ending.SUCCESS, millis);
        if (breaker.state() == State.HALF_OPEN) {
            calls(breaker, 1, Ending.SUCCESS, millis);
        }
        assertThat(breaker.state()).isEqualTo(expected);
    }

    @Test
    void opened_again_it_refuses_for_the_whole_time_anew() {
        Breaker breaker = halfOpen(rules(100, 20, 50));
        now += 1_000 * MS;
        calls(breaker, 3, Ending.FAILURE);
        now += 5_000 * MS - 1;
        assertThat(ask(breaker)).isEqualTo(Breaker.REFUSED);
        now++;
        assertThat(ask(breaker)).isNotEqualTo(Breaker.REFUSED);
        assertThat(breaker.count(Count.OPENED)).isEqualTo(2);
    }

    @Test
    void closed_again_it_begins_with_an_empty_window() {
        Breaker breaker = halfOpen(rules(100, 20, 50));
        calls(breaker, 3, Ending.SUCCESS);
        assertThat(breaker.state()).isEqualTo(State.CLOSED);
        calls(breaker, 19, Ending.FAILURE);
        assertThat(breaker.state()).isEqualTo(State.CLOSED);
        calls(breaker, 1, Ending.FAILURE);
        assertThat(breaker.state()).isEqualTo(State.OPEN);
    }

    @Test
    void trials_that_hang_keep_their_places_for_as_long_as_it_is_open_and_no_longer() {
        Breaker breaker = halfOpen(rules(100, 20, 50));
        List<Long> hanging = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            hanging.add(ask(breaker));
            now += 100 * MS;
        }
        now += 4_500 * MS - 1;
        assertThat(ask(breaker)).isEqualTo(Breaker.REFUSED);
        assertThat(breaker.retryAfter(now)).isEqualTo(Duration.ofNanos(1));
        now++;
        admits_exactly(breaker, 5);

        // How they end in the end still counts, and frees no place a second time.
        breaker.end(hanging.get(0), Ending.IGNORED, MS, now);
        assertThat(ask(breaker)).isEqualTo(Breaker.REFUSED);
        for (int i = 1; i < 4; i++) {
            breaker.end(hanging.get(i), Ending.FAILURE, 5_000 * MS, now);
        }
        assertThat(breaker.state()).isEqualTo(State.OPEN);
    }

    @Test
    void what_was_begun_in_another_state_says_nothing_about_this_one() {
        BreakerRules rules = rules(100, 20, 50);
        Breaker breaker = breaker(rules);
        List<Long> old = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            old.add(ask(breaker));
        }
        calls(breaker, 20, Ending.FAILURE);
        old.subList(0, 50).forEach(permit -> breaker.end(permit, Ending.SUCCESS, MS, now));
        assertThat(breaker.state()).isEqualTo(State.OPEN);
        now += 5_000 * MS;
        long trial = ask(breaker);
        old.subList(50, 70).forEach(permit -> breaker.end(permit, Ending.FAILURE, MS, now));
        assertThat(breaker.state()).isEqualTo(State.HALF_OPEN);
        admits_exactly(breaker, 4);
        breaker.end(trial, Ending.SUCCESS, MS, now);
        assertThat(breaker.state()).isEqualTo(State.HALF_OPEN);
        assertThat(breaker.count(Count.FAILED)).isEqualTo(40);
    }

    // ---- forced

    @Test
    void forced_open_it_refuses_until_it_is_released_and_then_begins_anew() {
        Breaker breaker = breaker(rules(100, 20, 50));
        calls(breaker, 19, Ending.FAILURE);
        assertThat(breaker.tryAcquire(now, Position.OPEN)).isEqualTo(Breaker.REFUSED);
        assertThat(breaker.state()).isEqualTo(State.FORCED_OPEN);
        assertThat(breaker.retryAfter(now)).isNull();
        now += Duration.ofDays(1).toNanos();
        assertThat(breaker.tryAcquire(now, Position.OPEN)).isEqualTo(Breaker.REFUSED);
        calls(breaker, 19, Ending.FAILURE);
        assertThat(breaker.state()).isEqualTo(State.CLOSED);
    }

    @Test
    void forced_closed_it_calls_whatever_fails() {
        Breaker breaker = opened(rules(100, 20, 50));
        for (int i = 0; i < 100; i++) {
            breaker.end(breaker.tryAcquire(now, Position.CLOSED), Ending.FAILURE, MS, now);
        }
        assertThat(breaker.state()).isEqualTo(State.FORCED_CLOSED);
        assertThat(breaker.tryAcquire(now, Position.OPEN)).isEqualTo(Breaker.REFUSED);
        assertThat(breaker.state()).isEqualTo(State.FORCED_OPEN);
        assertThat(ask(breaker)).isNotEqualTo(Breaker.REFUSED);
        assertThat(breaker.state()).isEqualTo(State.CLOSED);
    }

    // ---- told

    @Test
    void every_change_is_told_once_with_its_reason() {
        Breaker breaker = opened(rules(0, 20, 50));
        ask(breaker);
        now += 5_000 * MS;
        calls(breaker, 3, Ending.FAILURE);
        now += 5_000 * MS;
        calls(breaker, 3, Ending.SUCCESS);
        breaker.tryAcquire(now, Position.OPEN);
        breaker.tryAcquire(now, Position.OPEN);
        assertThat(changes)
                .containsExactly(
                        new Breaker.Change(State.CLOSED, State.OPEN, "20 of 20 calls failed within PT10S (limit 50 %)"),
                        new Breaker.Change(State.OPEN, State.HALF_OPEN, "PT5S have passed"),
                        new Breaker.Change(State.HALF_OPEN, State.OPEN, "3 of 5 trials failed"),
                        new Breaker.Change(State.OPEN, State.HALF_OPEN, "PT5S have passed"),
                        new Breaker.Change(State.HALF_OPEN, State.CLOSED, "3 of 5 trials went well"),
                        new Breaker.Change(State.CLOSED, State.FORCED_OPEN, "forced by the host"));
        assertThat(breaker.count(Count.REFUSED)).isEqualTo(3);
    }

    // ---- against a model, and under contention

    /** The documented rules, written down a second time and without any cleverness. */
    private static final class Model {
        private final BreakerRules rules;
        private final long start;
        private State state = State.CLOSED;
        private long since;
        private int generation;
        private final Deque<long[]> window = new ArrayDeque<>();
        private int ended;
        private int failed;
        private int underWay;
        private int round;
        private long roundBegan;

        Model(BreakerRules rules, long start) {
            this.rules = rules;
            this.start = start;
            since = start;
        }

        boolean admits(long now) {
            if (state == State.OPEN && now - since >= rules.openFor().toNanos()) {
                become(State.HALF_OPEN, now);
            }
            if (state == State.HALF_OPEN) {
                if (ended + underWay >= rules.trials()
                        && now - roundBegan >= rules.openFor().toNanos()) {
                    round++;
                    underWay = 0;
                }
                if (ended + underWay >= rules.trials()) {
                    return false;
                }
                roundBegan = underWay == 0 ? now : roundBegan;
                underWay++;
                return true;
            }
            return state == State.CLOSED;
        }

        void ended(int from, int fromRound, boolean ignored, boolean bad, long now) {
            if (from != generation) {
                return;
            }
            if (state == State.HALF_OPEN) {
                underWay -= fromRound == round ? 1 : 0;
                if (!ignored) {
                    ended++;
                    failed += bad ? 1 : 0;
                    int trials = rules.trials();
                    if (failed * 100 >= rules.failurePercent() * trials) {
                        become(State.OPEN, now);
                    } else if ((failed + trials - ended) * 100 < rules.failurePercent() * trials) {
                        become(State.CLOSED, now);
                    }
                }
            } else if (state == State.CLOSED && !ignored) {
                window.add(new long[] {slice(now), bad ? 1 : 0});
                window.removeIf(call -> rules.lastCalls() == 0 && call[0] <= slice(now) - 10);
                if (rules.lastCalls() > 0 && window.size() > rules.lastCalls()) {
                    window.removeFirst();
                }
                long failures = window.stream().filter(call -> call[1] == 1).count();
                if (window.size() >= rules.minimumCalls()
                        && failures * 100 >= (long) rules.failurePercent() * window.size()) {
                    become(State.OPEN, now);
                }
            }
        }

        private long slice(long now) {
            // Slices begin anew with the state.
            return (now - (rules.lastCalls() == 0 ? since : start))
                    / (rules.lastTime().toNanos() / 10);
        }

        private void become(State next, long now) {
            state = next;
            since = now;
            generation++;
            window.clear();
            ended = 0;
            failed = 0;
            underWay = 0;
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 5, 50, 3", "0, 1, 100, 1", "10, 5, 40, 5", "7, 7, 33, 2", "1, 1, 1, 1"})
    void does_what_the_documented_rules_say(int lastCalls, int minimum, int percent, int trials) {
        BreakerRules rules = new BreakerRules(
                lastCalls, Duration.ofSeconds(1), minimum, percent, null, 100, Duration.ofMillis(700), trials);
        for (int seed = 0; seed < 40; seed++) {
            Random random = new Random(seed);
            now = START;
            Breaker breaker = breaker(rules);
            Model model = new Model(rules, now);
            List<long[]> underWay = new ArrayList<>();
            for (int step = 0; step < 500; step++) {
                now += random.nextInt(4) * 50 * MS;
                boolean asks = underWay.isEmpty() || random.nextBoolean();
                if (asks) {
                    boolean admitted = model.admits(now);
                    long permit = ask(breaker);
                    assertThat(permit != Breaker.REFUSED)
                            .as("seed %d, step %d", seed, step)
                            .isEqualTo(admitted);
                    if (admitted) {
                        underWay.add(new long[] {permit, model.generation, model.round});
                    }
                }
                if (!asks) {
                    long[] call = underWay.remove(random.nextInt(underWay.size()));
                    boolean ignored = random.nextInt(5) == 0;
                    boolean bad = random.nextInt(100) < 45;
                    model.ended((int) call[1], (int) call[2], ignored, bad, now);
                    breaker.end(call[0], ignored ? Ending.IGNORED : bad ? Ending.FAILURE : Ending.SUCCESS, MS, now);
                }
                assertThat(breaker.state()).as("seed %d, step %d", seed, step).isEqualTo(model.state);
            }
        }
    }

    @Test
    void four_threads_get_exactly_the_trials_there_are_and_no_count_is_lost() throws Exception {
        AtomicLong clock = new AtomicLong(START);
        Breaker breaker = new Breaker(
                new BreakerRules(0, Duration.ofSeconds(10), 1, 100, null, 100, Duration.ofSeconds(5), 7),
                START,
                change -> {});
        AtomicInteger trials = new AtomicInteger();
        AtomicInteger refused = new AtomicInteger();
        int rounds = 300;
        for (int round = 0; round < rounds; round++) {
            long before = clock.get();
            breaker.end(breaker.tryAcquire(before, Position.AUTOMATIC), Ending.FAILURE, MS, before);
            assertThat(breaker.state()).isEqualTo(State.OPEN);
            long at = clock.addAndGet(5_000 * MS);
            CountDownLatch ready = new CountDownLatch(4);
            List<Long> permits = java.util.Collections.synchronizedList(new ArrayList<>());
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                Thread thread = new Thread(() -> {
                    ready.countDown();
                    while (ready.getCount() > 0) {
                        Thread.onSpinWait();
                    }
                    for (int n = 0; n < 5; n++) {
                        long permit = breaker.tryAcquire(at, Position.AUTOMATIC);
                        if (permit == Breaker.REFUSED) {
                            refused.incrementAndGet();
                        } else {
                            trials.incrementAndGet();
                            permits.add(permit);
                        }
                    }
                });
                thread.start();
                threads.add(thread);
            }
            for (Thread thread : threads) {
                thread.join();
            }
            assertThat(permits).hasSize(7);
            permits.forEach(permit -> breaker.end(permit, Ending.SUCCESS, MS, at));
            assertThat(breaker.state()).isEqualTo(State.CLOSED);
        }
        assertThat(trials).hasValue(7 * rounds);
        assertThat(refused).hasValue(13 * rounds);
        assertThat(breaker.count(Count.REFUSED)).isEqualTo(13 * rounds);
        assertThat(breaker.count(Count.SUCCEEDED)).isEqualTo(7 * rounds);
        assertThat(breaker.count(Count.FAILED)).isEqualTo(rounds);
        assertThat(breaker.count(Count.OPENED)).isEqualTo(rounds);
    }

    @Test
    void says_that_it_admits_exactly_when_it_gives_a_permit() {
        Random random = new Random(5);
        for (int run = 0; run < 50; run++) {
            Breaker breaker = breaker(rules(10, 4, 50));
            List<Long> open = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                now += random.nextInt(2000) * MS;
                Position position = random.nextInt(20) == 0 ? Position.OPEN : Position.AUTOMATIC;
                boolean admits = breaker.admits(now, position);
                Breaker.State after = breaker.state();
                assertThat(after == Breaker.State.FORCED_OPEN).isEqualTo(position == Position.OPEN);
                assertThat(breaker.admits(now, position)).isEqualTo(admits);
                assertThat(breaker.state()).isEqualTo(after);
                long permit = breaker.tryAcquire(now, position);
                assertThat(permit != Breaker.REFUSED).isEqualTo(admits);
                if (permit != Breaker.REFUSED) {
                    open.add(permit);
                }
                if (!open.isEmpty() && random.nextBoolean()) {
                    Ending ending = Ending.values()[random.nextInt(3)];
                    breaker.end(open.remove(random.nextInt(open.size())), ending, MS, now);
                }
            }
        }
    }
}
