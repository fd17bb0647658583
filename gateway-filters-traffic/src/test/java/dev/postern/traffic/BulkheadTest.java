package dev.postern.traffic;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.traffic.Bulkhead.Standing;
import dev.postern.traffic.Bulkhead.Ticket;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Places, lines and who is turned away. */
class BulkheadTest {
    private final List<String> told = new ArrayList<>();
    private final List<String> logged = Collections.synchronizedList(new ArrayList<>());
    private long now;

    private Bulkhead bulkhead(int limit, int queue, int reserved) {
        return new Bulkhead(limit, null, queue, reserved, shedding -> logged.add(shedding.toString()));
    }

    private Ticket enter(Bulkhead bulkhead, Priority priority, String name) {
        return bulkhead.enter(priority, now, () -> told.add(name));
    }

    @Test
    void admits_as_many_as_there_are_places_and_refuses_the_rest() {
        Bulkhead bulkhead = bulkhead(2, 0, 0);
        Ticket a = enter(bulkhead, Priority.NORMAL, "a");
        assertThat(a.standing()).isEqualTo(Standing.ADMITTED);
        assertThat(enter(bulkhead, Priority.NORMAL, "b").standing()).isEqualTo(Standing.ADMITTED);
        assertThat(enter(bulkhead, Priority.CRITICAL, "c").standing()).isEqualTo(Standing.REFUSED);
        a.release(now);
        a.release(now);
        assertThat(bulkhead.inFlight()).isEqualTo(1);
        assertThat(enter(bulkhead, Priority.NORMAL, "d").standing()).isEqualTo(Standing.ADMITTED);
        assertThat(enter(bulkhead, Priority.NORMAL, "e").standing()).isEqualTo(Standing.REFUSED);
        assertThat(bulkhead.refused(Priority.CRITICAL)).isEqualTo(1);
        assertThat(told).isEmpty();
    }

    @Test
    void who_waits_comes_by_priority_and_then_in_order() {
        Bulkhead bulkhead = bulkhead(1, 10, 0);
        Ticket first = enter(bulkhead, Priority.NORMAL, "first");
        List<Ticket> waiting = new ArrayList<>();
        for (String name : List.of("s1", "n1", "c1", "s2", "n2", "c2")) {
            Priority priority = switch (name.charAt(0)) {
                case 's' -> Priority.SHEDDABLE;
                case 'n' -> Priority.NORMAL;
                default -> Priority.CRITICAL;
            };
            waiting.add(enter(bulkhead, priority, name));
        }
        first.release(now);
        while (bulkhead.waiting() > 0) {
            waiting.stream()
                    .filter(ticket -> ticket.standing() == Standing.ADMITTED)
                    .forEach(ticket -> ticket.release(now));
        }
        assertThat(told).containsExactly("c1", "c2", "n1", "n2", "s1", "s2");
    }

    @Test
    void in_a_full_line_the_last_of_the_least_important_makes_room() {
        Bulkhead bulkhead = bulkhead(1, 2, 0);
        enter(bulkhead, Priority.NORMAL, "under way");
        Ticket s1 = enter(bulkhead, Priority.SHEDDABLE, "s1");
        Ticket s2 = enter(bulkhead, Priority.SHEDDABLE, "s2");
        assertThat(enter(bulkhead, Priority.SHEDDABLE, "s3").standing()).isEqualTo(Standing.REFUSED);
        assertThat(enter(bulkhead, Priority.NORMAL, "n1").standing()).isEqualTo(Standing.WAITING);
        assertThat(s2.standing()).isEqualTo(Standing.REFUSED);
        assertThat(s1.standing()).isEqualTo(Standing.WAITING);
        assertThat(told).containsExactly("s2");
        assertThat(bulkhead.waiting()).isEqualTo(2);
    }

    @Test
    void a_place_goes_to_nobody_who_gave_up() {
        Bulkhead bulkhead = bulkhead(1, 3, 0);
        Ticket first = enter(bulkhead, Priority.NORMAL, "first");
        Ticket late = enter(bulkhead, Priority.NORMAL, "late");
        Ticket gone = enter(bulkhead, Priority.NORMAL, "gone");
        Ticket next = enter(bulkhead, Priority.NORMAL, "next");
        assertThat(late.giveUp(now)).isTrue();
        assertThat(late.giveUp(now)).isFalse();
        gone.release(now);
        first.release(now);
        assertThat(next.standing()).isEqualTo(Standing.ADMITTED);
        assertThat(next.giveUp(now)).isFalse();
        assertThat(told).containsExactly("next");
        next.release(now);
        late.release(now);
        assertThat(bulkhead.isIdle()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        // limit, reserved percent → places of everybody
        "10, 0, 10",
        "10, 9, 10",
        "10, 10, 9",
        "10, 50, 5",
        "1, 90, 1",
        "2, 90, 1",
        "3, 50, 2",
        "100, 90, 10",
    })
    void the_last_places_are_kept_for_the_critical(int limit, int reserved, int everybody) {
        Bulkhead bulkhead = bulkhead(limit, 0, reserved);
        for (int i = 0; i < everybody; i++) {
            assertThat(enter(bulkhead, Priority.NORMAL, "n").standing()).isEqualTo(Standing.ADMITTED);
        }
        assertThat(enter(bulkhead, Priority.NORMAL, "n").standing()).isEqualTo(Standing.REFUSED);
        for (int i = everybody; i < limit; i++) {
            assertThat(enter(bulkhead, Priority.CRITICAL, "c").standing()).isEqualTo(Standing.ADMITTED);
        }
        assertThat(enter(bulkhead, Priority.CRITICAL, "c").standing()).isEqualTo(Standing.REFUSED);
    }

    @Test
    void four_threads_never_hold_more_places_than_there_are_and_leave_none_behind() throws Exception {
        Bulkhead bulkhead = bulkhead(3, 2, 0);
        AtomicInteger holding = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        List<Throwable> failed = Collections.synchronizedList(new ArrayList<>());
        CountDownLatch ready = new CountDownLatch(4);
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            Random random = new Random(i);
            Thread thread = new Thread(() -> {
                ready.countDown();
                for (int n = 0; n < 20_000; n++) {
                    Ticket ticket = bulkhead.enter(Priority.values()[random.nextInt(3)], 0, () -> {});
                    if (ticket.standing() == Standing.ADMITTED) {
                        most.accumulateAndGet(holding.incrementAndGet(), Math::max);
                        holding.decrementAndGet();
                    } else if (random.nextBoolean()) {
                        ticket.giveUp(now);
                    }
                    ticket.release(now);
                }
            });
            thread.setUncaughtExceptionHandler((dying, thrown) -> failed.add(thrown));
            thread.start();
            threads.add(thread);
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(failed).isEmpty();
        assertThat(most.get()).isBetween(1, 3);
        assertThat(bulkhead.inFlight()).isZero();
        assertThat(bulkhead.waiting()).isZero();
        assertThat(logged).as("one line at most, however many were refused").hasSizeLessThan(2);
    }

    @Test
    void tells_when_refusing_begins_and_when_it_is_over_and_nothing_between() {
        Bulkhead bulkhead = bulkhead(1, 0, 0);
        Ticket held = enter(bulkhead, Priority.NORMAL, "held");
        for (int i = 0; i < 1000; i++) {
            now += 5_000_000;
            enter(bulkhead, Priority.NORMAL, "refused");
        }
        assertThat(logged)
                .containsExactly("Shedding[change=Change[begun=true, refused=0, lasted=PT0S], inFlight=1, limit=1,"
                        + " waiting=0]");
        now += Episode.CALM_NANOS - 1;
        held.release(now);
        assertThat(logged).as("a nanosecond too early").hasSize(1);
        now++;
        enter(bulkhead, Priority.NORMAL, "admitted").release(now);
        assertThat(logged)
                .hasSize(2)
                .last()
                .asString()
                .startsWith("Shedding[change=Change[begun=false, refused=1000, lasted=PT4.995S]");
        now += Episode.CALM_NANOS;
        enter(bulkhead, Priority.NORMAL, "admitted");
        assertThat(logged).hasSize(2);
        enter(bulkhead, Priority.NORMAL, "refused");
        assertThat(logged).hasSize(3);
    }

    @Test
    void what_is_over_and_begins_again_at_once_is_not_told() {
        Bulkhead bulkhead = bulkhead(1, 0, 0);
        enter(bulkhead, Priority.NORMAL, "held");
        enter(bulkhead, Priority.NORMAL, "refused");
        now += Episode.CALM_NANOS;
        enter(bulkhead, Priority.NORMAL, "refused");
        assertThat(logged).hasSize(1);
    }

    @Test
    void who_is_turned_away_by_time_or_by_others_counts_as_refused() {
        Bulkhead bulkhead = bulkhead(1, 1, 0);
        enter(bulkhead, Priority.NORMAL, "held");
        Ticket impatient = enter(bulkhead, Priority.NORMAL, "impatient");
        assertThat(impatient.giveUp(now)).isTrue();
        enter(bulkhead, Priority.SHEDDABLE, "pushed out");
        enter(bulkhead, Priority.CRITICAL, "waits");
        assertThat(told).containsExactly("pushed out");
        assertThat(bulkhead.refused(Priority.NORMAL)).isEqualTo(1);
        assertThat(bulkhead.refused(Priority.SHEDDABLE)).isEqualTo(1);
        assertThat(bulkhead.queued()).isEqualTo(3);
        assertThat(bulkhead.admitted()).isEqualTo(1);
    }
}
