package dev.postern.runtime.listener;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Limits;
import dev.postern.runtime.listener.AcceptGovernor.Refusal;
import dev.postern.runtime.listener.AcceptGovernor.Stay;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** Counts and rates, without a socket. The clock begins just before it wraps. */
class AcceptGovernorTest {
    private static final long START = Long.MAX_VALUE - 1_000_000_000L;

    private final AcceptGovernor governor = new AcceptGovernor();

    private static long at(long millis) {
        return START + millis * 1_000_000;
    }

    private Refusal come(String address, long millis, Limits limits) throws Exception {
        Stay stay = governor.enter(limits);
        if (stay == null) {
            return Refusal.LISTENER_FULL;
        }
        Refusal refusal = stay.of(InetAddress.getByName(address), at(millis), limits);
        if (refusal != null) {
            stay.leave();
        }
        return refusal;
    }

    @Test
    void T101_a_client_is_an_address_or_the_network_of_a_household() throws Exception {
        Limits limits = Limits.standard().maxConnectionsPerClient(1);
        assertThat(come("192.0.2.1", 0, limits)).isNull();
        assertThat(come("192.0.2.1", 0, limits)).isEqualTo(Refusal.CLIENT_FULL);
        assertThat(come("192.0.2.2", 0, limits)).isNull();
        assertThat(come("2001:db8:0:1::1", 0, limits)).isNull();
        assertThat(come("2001:db8:0:1:ffff::2", 0, limits)).isEqualTo(Refusal.CLIENT_FULL);
        assertThat(come("2001:db8:0:2::1", 0, limits)).isNull();
        assertThat(governor.open()).isEqualTo(4);
        assertThat(governor.refused(Refusal.CLIENT_FULL)).isEqualTo(2);
    }

    @Test
    void T101_a_listener_is_full_whoever_comes() throws Exception {
        Limits limits = Limits.standard().maxConnections(2);
        assertThat(come("192.0.2.1", 0, limits)).isNull();
        assertThat(come("192.0.2.2", 0, limits)).isNull();
        assertThat(come("192.0.2.3", 0, limits)).isEqualTo(Refusal.LISTENER_FULL);
        assertThat(governor.clients()).isEqualTo(2);
        assertThat(governor.refused(Refusal.LISTENER_FULL)).isEqualTo(1);
    }

    @Test
    void T101_a_client_may_come_so_often_in_a_second_and_then_at_that_rate() throws Exception {
        Limits limits = Limits.standard().maxNewConnectionsPerClient(10);
        for (int i = 0; i < 10; i++) {
            assertThat(come("192.0.2.1", 0, limits)).isNull();
        }
        assertThat(come("192.0.2.1", 0, limits)).isEqualTo(Refusal.CLIENT_TOO_FAST);
        assertThat(come("192.0.2.2", 0, limits)).isNull();
        assertThat(come("192.0.2.1", 99, limits)).isEqualTo(Refusal.CLIENT_TOO_FAST);
        assertThat(come("192.0.2.1", 100, limits)).isNull();
        assertThat(come("192.0.2.1", 100, limits)).isEqualTo(Refusal.CLIENT_TOO_FAST);
        for (int i = 0; i < 10; i++) {
            assertThat(come("192.0.2.1", 5_000, limits)).isNull();
        }
        assertThat(come("192.0.2.1", 5_000, limits)).isEqualTo(Refusal.CLIENT_TOO_FAST);
    }

    @Test
    void a_client_that_is_gone_is_forgotten_once_its_rate_does_not_matter() throws Exception {
        Limits limits = Limits.standard().maxNewConnectionsPerClient(1);
        Stay stay = governor.enter(limits);
        assertThat(stay.of(InetAddress.getByName("192.0.2.1"), START, limits)).isNull();
        governor.forget(at(10_000));
        assertThat(governor.clients()).isEqualTo(1);
        stay.leave();
        governor.forget(at(999));
        assertThat(governor.clients()).isEqualTo(1);
        governor.forget(at(1_000));
        assertThat(governor.clients()).isZero();
        assertThat(governor.open()).isZero();
    }

    @Test
    void limits_hold_exactly_on_many_threads_and_nothing_stays_behind() throws Exception {
        Limits limits = Limits.standard().maxConnections(50).maxConnectionsPerClient(30);
        ExecutorService pool = Executors.newFixedThreadPool(4);
        try {
            CountDownLatch go = new CountDownLatch(1);
            List<Future<List<Stay>>> all = new ArrayList<>();
            for (int thread = 0; thread < 4; thread++) {
                InetAddress client = InetAddress.getByName("192.0.2." + thread % 2);
                all.add(pool.submit(() -> {
                    go.await();
                    List<Stay> mine = new ArrayList<>();
                    for (int i = 0; i < 1000; i++) {
                        Stay stay = governor.enter(limits);
                        if (stay != null && stay.of(client, START, limits) == null) {
                            mine.add(stay);
                        } else if (stay != null) {
                            stay.leave();
                        }
                    }
                    return mine;
                }));
            }
            go.countDown();
            List<Stay> in = new ArrayList<>();
            for (Future<List<Stay>> some : all) {
                in.addAll(some.get());
            }
            // Not before all are in: who leaves makes room for who still comes.
            in.forEach(Stay::leave);
            assertThat(in).hasSizeBetween(30, 50);
        } finally {
            pool.shutdownNow();
        }
        assertThat(governor.open()).isZero();
        governor.forget(at(2_000));
        assertThat(governor.clients()).isZero();
    }
}
