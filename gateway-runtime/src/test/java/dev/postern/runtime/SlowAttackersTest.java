package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.Exchange;
import dev.postern.ExchangeObserver;
import dev.postern.Limits;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Outcome;
import dev.postern.Request;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.rig.Running;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Clients that are slow on purpose, beside clients that are not (T098, T099, T100). {@code -Dpostern.attackers=2000
 * -Dpostern.attackers.grace.millis=1000} with {@code -Xmx512m} makes it the attack of the issue; the default is a few dozen,
 * whose end is waited for.
 */
class SlowAttackersTest {
    private static final int ATTACKERS = Integer.getInteger("postern.attackers", 24);
    private static final int GOOD_CLIENTS = 4;
    private static final long THINKS_NANOS = 2_000_000;
    private static final long TURN_MILLIS = 100;
    private static final int TURNS = 5;
    private static final int WARM_REQUESTS = ATTACKERS * 2;
    // A small attack is over in seconds; a large one meets the time that is given by default, so that all are there at
    // once.
    private static final boolean LARGE = ATTACKERS >= 1_000;
    private static final Duration HEAD = Duration.ofSeconds(LARGE ? 10 : 2);
    private static final Duration EXCHANGE = Duration.ofSeconds(LARGE ? 12 : 3);
    private static final Duration WRITE = Duration.ofSeconds(LARGE ? 12 : 2);
    private static final int COME_IN_A_TURN = 25;
    // How late they may be is for a machine that does nothing else.
    private static final long GRACE_MILLIS = Long.getLong("postern.attackers.grace.millis", 60_000);

    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    private enum Kind {
        HEAD("GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", SlowAttackersTest.HEAD),
        BODY("POST /slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n", EXCHANGE),
        READER("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n", WRITE),
        SIPPER("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n", EXCHANGE);

        private final String begin;
        private final Duration deadline;

        Kind(String begin, Duration deadline) {
            this.begin = begin;
            this.deadline = deadline;
        }
    }

    /** One attacker; all of them are driven by one thread. */
    private static final class Attacker {
        private final Kind kind;
        private final SocketChannel channel;
        private final InetSocketAddress local;
        private final long sinceNanos;
        private long goneNanos;

        Attacker(Kind kind, int port, int number) throws IOException {
            this.kind = kind;
            channel = SocketChannel.open();
            channel.setOption(StandardSocketOptions.SO_RCVBUF, 4096);
            // Not all from one address: that is what the bounds of a client are for.
            channel.bind(new InetSocketAddress(
                    InetAddress.getByAddress(new byte[] {127, 0, 0, (byte) (2 + number % 8)}), 0));
            channel.connect(new InetSocketAddress("127.0.0.1", port));
            local = (InetSocketAddress) channel.getLocalAddress();
            channel.configureBlocking(false);
            channel.write(ByteBuffer.wrap(kind.begin.getBytes(StandardCharsets.US_ASCII)));
            sinceNanos = System.nanoTime();
        }

        boolean isGone() {
            return goneNanos != 0;
        }

        long lateNanos() {
            return goneNanos - sinceNanos - kind.deadline.toNanos();
        }

        boolean isDue(long now) {
            return now - sinceNanos > kind.deadline.toNanos();
        }

        /** Something has come: an answer, and the end behind it. */
        void told(SelectionKey key, ByteBuffer buffer) {
            long now = System.nanoTime();
            try {
                while (channel.read(buffer.clear()) > 0) {
                    // What it is told does not matter to it.
                }
                if (channel.read(buffer.clear()) < 0) {
                    goneNanos = now;
                }
            } catch (IOException reset) {
                goneNanos = now;
            }
            if (isGone()) {
                key.cancel();
            }
        }

        /** One more byte out, a few bytes in. */
        void step(ByteBuffer buffer, long now) throws IOException {
            try {
                // Whoever does not read learns from writing that it is gone.
                if (isDue(now) || kind == Kind.HEAD || kind == Kind.BODY) {
                    channel.write(ByteBuffer.wrap(new byte[] {'x'}));
                }
                int max = kind == Kind.READER ? 0 : 512;
                for (int read = 0; read < max; ) {
                    buffer.clear().limit(Math.min(max - read, buffer.capacity()));
                    int count = channel.read(buffer);
                    if (count < 0) {
                        goneNanos = now;
                    }
                    if (count <= 0) {
                        return;
                    }
                    read += count;
                }
            } catch (IOException reset) {
                goneNanos = now;
            }
        }
    }

    /** When the gateway saw the attackers come, and when it had had enough of them. */
    private static final class Times implements ExchangeObserver {
        private final Map<InetSocketAddress, Long> begun = new ConcurrentHashMap<>();
        private final Map<InetSocketAddress, Long> ended = new ConcurrentHashMap<>();

        @Override
        public void started(Request request, Exchange exchange) {
            if (!request.path().equals("/")) {
                begun.put(exchange.client().peer(), System.nanoTime());
            }
        }

        @Override
        public void ended(Request request, Exchange exchange, Outcome outcome) {
            if (!request.path().equals("/")) {
                ended.put(exchange.client().peer(), System.nanoTime());
            }
        }

        @Override
        public void refused(Refused refused) {
            ended.put(refused.peer(), System.nanoTime());
        }

        /** How late what was seen is, in milliseconds, at most. */
        private static long latest(List<Attacker> of, Map<InetSocketAddress, Long> seen, boolean behindDeadline) {
            return of.stream()
                            .filter(attacker -> seen.containsKey(attacker.local))
                            .mapToLong(attacker -> seen.get(attacker.local)
                                    - attacker.sinceNanos
                                    - (behindDeadline ? attacker.kind.deadline.toNanos() : 0))
                            .max()
                            .orElse(0)
                    / 1_000_000;
        }
    }

    @Test
    void slow_clients_are_gone_by_their_deadlines_and_the_others_are_served() throws Exception {
        RawOrigin echo = rig.origin(RawOrigin.echo()).keepNothing();
        byte[] much = new byte[8_000_000];
        RawOrigin big = rig.origin((request, in, out, socket) -> {
                    out.write("HTTP/1.1 200 OK\r\nContent-Length: 8000000\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
                    out.write(much);
                    return true;
                })
                .keepNothing();
        Times times = new Times();
        // Slow uploads and downloads hold connections to the upstream: as many as there may be attackers.
        Running running = rig.start(gateway -> gateway.listen(Listener.http(0)
                        .host("127.0.0.1")
                        .limits(Limits.standard().headTimeout(HEAD).writeTimeout(WRITE)))
                .observe(times)
                .upstream(Upstream.builder("echo")
                        .endpoints(echo.url())
                        .maxConnections(4_000)
                        .build())
                .upstream(Upstream.builder("big")
                        .endpoints(big.url())
                        .maxConnections(4_000)
                        .build())
                .route(Route.builder("big")
                        .match(Match.path("/big"))
                        .timeout(EXCHANGE)
                        .to("big")
                        .build())
                .route(Route.builder("slow")
                        .match(Match.path("/slow"))
                        .timeout(EXCHANGE)
                        .to("echo")
                        .build())
                .route(Route.builder("echo").match(Match.path("/")).to("echo").build()));
        running.keepNothing();
        AtomicBoolean over = new AtomicBoolean();
        AtomicInteger served = new AtomicInteger();
        AtomicLong slowest = new AtomicLong();
        Queue<Throwable> lost = new ConcurrentLinkedQueue<>();
        List<Thread> good = new ArrayList<>();
        int port = running.port();
        for (int i = 0; i < GOOD_CLIENTS; i++) {
            Thread thread = new Thread(() -> {
                try (RawClient client = new RawClient(port)) {
                    while (!over.get()) {
                        String body = "good " + served.get();
                        long begun = System.nanoTime();
                        assertThat(client.request("POST", "/", body).read().text())
                                .isEqualTo(body);
                        slowest.accumulateAndGet(System.nanoTime() - begun, Math::max);
                        served.incrementAndGet();
                        LockSupport.parkNanos(THINKS_NANOS);
                    }
                } catch (Throwable failure) {
                    lost.add(failure);
                }
            });
            thread.start();
            good.add(thread);
        }
        List<Attacker> attackers = new ArrayList<>();
        try {
            // Nobody attacks a gateway that has just been started.
            await().atMost(Duration.ofMinutes(1)).until(() -> served.get() >= WARM_REQUESTS);
            slowest.set(0);
            attack(attackers, port);
            int before = served.get();
            assertThat(before).isPositive();
        } finally {
            over.set(true);
            for (Thread thread : good) {
                thread.join(10_000);
            }
            for (Attacker attacker : attackers) {
                attacker.channel.close();
            }
        }
        StringBuilder seen = new StringBuilder(served + " good requests served, " + lost.size()
                + " lost, the slowest took " + slowest.get() / 1_000_000 + " ms");
        for (Kind kind : Kind.values()) {
            long latest = attackers.stream()
                    .filter(attacker -> attacker.kind == kind)
                    .mapToLong(Attacker::lateNanos)
                    .max()
                    .orElse(0);
            List<Attacker> these =
                    attackers.stream().filter(attacker -> attacker.kind == kind).toList();
            seen.append(", ")
                    .append(kind)
                    .append(" begun at most ")
                    .append(Times.latest(these, times.begun, false))
                    .append(" ms after it came, ended ")
                    .append(Times.latest(these, times.ended, true))
                    .append(" ms late, gone ")
                    .append(latest / 1_000_000)
                    .append(" ms late");
            assertThat(latest).as(seen.toString()).isLessThan(GRACE_MILLIS * 1_000_000);
        }
        System.Logger log = System.getLogger(SlowAttackersTest.class.getName());
        log.log(System.Logger.Level.INFO, "{0} attackers: {1}", ATTACKERS, seen);
        assertThat(lost).as(seen.toString()).isEmpty();
    }

    /**
     * All of them come, and go on until the last one has been sent away, or much too late. Each sends or takes something
     * every half second; who only sends is told at once when it is over, who takes looks ten times a second from its
     * deadline on. More would be an attack on this machine's processors instead of on patience.
     */
    private static void attack(List<Attacker> attackers, int port) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(64 * 1024);
        long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        Kind[] kinds = Kind.values();
        try (Selector selector = Selector.open()) {
            int open = ATTACKERS;
            for (int turn = 0; open > 0; turn++) {
                for (int i = 0; i < COME_IN_A_TURN && attackers.size() < ATTACKERS; i++) {
                    Attacker attacker = new Attacker(kinds[attackers.size() % kinds.length], port, attackers.size());
                    attackers.add(attacker);
                    if (attacker.kind == Kind.HEAD || attacker.kind == Kind.BODY) {
                        attacker.channel.register(selector, SelectionKey.OP_READ, attacker);
                    }
                }
                long now = System.nanoTime();
                open = ATTACKERS - attackers.size();
                for (int i = 0; i < attackers.size(); i++) {
                    Attacker attacker = attackers.get(i);
                    if (!attacker.isGone() && (i % TURNS == turn % TURNS || attacker.isDue(now))) {
                        attacker.step(buffer, now);
                    }
                    open += attacker.isGone() ? 0 : 1;
                }
                assertThat(now)
                        .as(() -> "time for all of it; left: "
                                + attackers.stream()
                                        .filter(attacker -> !attacker.isGone())
                                        .map(attacker -> attacker.kind)
                                        .toList())
                        .isLessThan(end);
                long next = now + TURN_MILLIS * 1_000_000;
                for (long left = TURN_MILLIS; left > 0; left = (next - System.nanoTime()) / 1_000_000) {
                    selector.select(key -> ((Attacker) key.attachment()).told(key, buffer), left);
                }
            }
        }
    }
}
