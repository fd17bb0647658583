package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.Filter;
import dev.postern.Gateway;
import dev.postern.GatewayBuilder;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Request;
import dev.postern.RetryPolicy;
import dev.postern.Route;
import dev.postern.Tls;
import dev.postern.Upstream;
import dev.postern.runtime.rig.Figures;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawOrigin;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Traffic of many kinds while something breaks all the time; afterwards everything is as it was. Some seconds with a fault
 * every tenth of one as part of the build; {@code -Dpostern.soak.seconds=1800} runs half an hour with a fault every second.
 */
class SoakTest {
    private static final int SECONDS = Integer.getInteger("postern.soak.seconds", 2);
    private static final boolean LONG = SECONDS >= 60;
    private static final long FAULT_MILLIS = LONG ? 1000 : 100;
    private static final long SEED = Long.getLong("postern.soak.seed", 42);
    private static final byte[] BIG = FlowControlTest.Content.block(0, 1 << 20, 9);

    /** What an origin does to the next request. */
    private enum Mood {
        WELL,
        SAYS_NOTHING,
        RESETS_AT_ONCE,
        BREAKS_OFF,
        TALKS_RUBBISH,
        FAILS,
        ANSWERS_TOO_EARLY
    }

    @TempDir
    Path files;

    private final Map<String, LongAdder> counts = new ConcurrentHashMap<>();
    private final List<String> wrong = java.util.Collections.synchronizedList(new ArrayList<>());
    private final List<Thread> threads = new ArrayList<>();
    private final LeakCounter leaks = new LeakCounter();
    private final List<Stoppable> origins = new ArrayList<>();
    private volatile boolean stop;
    private X509Bundle authority;

    @BeforeEach
    void begin() throws Exception {
        authority = new CertificateBuilder()
                .ecp256()
                .subject("CN=Test Authority")
                .setIsCertificateAuthority(true)
                .setKeyUsage(true, CertificateBuilder.KeyUsage.keyCertSign)
                .buildSelfSigned();
        certificate();
        for (int i = 0; i < 3; i++) {
            origins.add(new Stoppable());
        }
        leaks.attach();
    }

    @AfterEach
    void end() throws Exception {
        stop = true;
        for (Stoppable origin : origins) {
            origin.kill();
        }
        leaks.detach();
    }

    @Test
    void everything_is_as_it_was_after_a_long_time_of_faults() throws Exception {
        run(1); // Loads what is loaded once: classes, selectors, entropy.
        long filesBefore = openFiles();
        List<Long> heap = run(SECONDS);
        await().atMost(Duration.ofSeconds(20))
                .untilAsserted(() -> assertThat(openFiles()).as("open files").isLessThanOrEqualTo(filesBefore));

        Figures.seen(
                "soak of %d s, seed %d: %s, leaks %s, heap after collection in KiB %s, open files %d before, %d after",
                SECONDS, SEED, new TreeMap<>(counts), leaks.seen, heap, filesBefore, openFiles());
        assertThat(wrong).isEmpty();
        assertThat(leaks.seen).as("reports of leaks").isEmpty();
        if (heap.size() >= 9) {
            int third = heap.size() / 3;
            assertThat(median(heap.subList(heap.size() - third, heap.size())))
                    .as("heap after collection, last third against first")
                    .isLessThanOrEqualTo(median(heap.subList(0, third)) * 11 / 10);
        }
    }

    // Returns what the heap held after each minute.
    private List<Long> run(int seconds) throws Exception {
        stop = false;
        List<Long> heap = new ArrayList<>();
        try (Gateway gateway =
                config(0).runtime(new VertxRuntime().eventLoops(2)).build()) {
            gateway.start();
            int port = gateway.listeners().get(0).port();
            int securePort = gateway.listeners().get(1).port();
            Random random = new Random(SEED);
            worker(() -> gets(port, "/plain"));
            worker(() -> gets(port, "/filtered"));
            worker(() -> posts(port, new Random(random.nextLong())));
            worker(() -> downloads(port, 0));
            worker(() -> downloads(port, 5));
            worker(() -> cuts(port, new Random(random.nextLong())));
            worker(() -> hostile(port, new Random(random.nextLong())));
            worker(() -> secureGets(securePort));
            long start = System.nanoTime();
            int minutes = 0;
            for (int fault = 1; System.nanoTime() - start < seconds * 1_000_000_000L; fault++) {
                long next = start + fault * FAULT_MILLIS * 1_000_000;
                while (System.nanoTime() < next) {
                    LockSupport.parkNanos(next - System.nanoTime());
                }
                fault(gateway, fault, random);
                if (LONG && (System.nanoTime() - start) / 60_000_000_000L > minutes) {
                    minutes++;
                    heap.add(heapAfterCollection());
                }
            }
            origins.forEach(Stoppable::revive);
            stop = true;
            for (Thread thread : threads) {
                thread.join(20_000);
                assertThat(thread.isAlive()).as(thread.getName() + " hangs").isFalse();
            }
            threads.clear();
            await().atMost(Duration.ofSeconds(20))
                    .untilAsserted(() -> assertThat(Leases.of(gateway)).isEqualTo("exchanges=0 attempts=0 kept=0"));
            gateway.stop(Duration.ofSeconds(2));
        }
        heapAfterCollection(); // and with it the reports of what leaked
        return heap;
    }

    // ---- the gateway

    private GatewayBuilder config(int revision) {
        Upstream.Builder origin = Upstream.builder("origin").retry(RetryPolicy.idempotent());
        // Every third config has one endpoint fewer.
        for (Stoppable each : origins.subList(revision % 3 == 2 ? 1 : 0, origins.size())) {
            origin.endpoints(each.url());
        }
        return Gateway.builder()
                .listen(Listener.http(0).host("127.0.0.1").name("clear"))
                .listen(Listener.https(
                                0,
                                Tls.pem(files.resolve("chain.pem"), files.resolve("key.pem"))
                                        .reloadEvery(Duration.ofMillis(200)))
                        .host("127.0.0.1")
                        .name("secure"))
                .upstream(origin.build())
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .timeout(Duration.ofMillis(500))
                        .to("origin")
                        .build())
                .route(Route.builder("filtered")
                        .match(Match.prefix("/filtered"))
                        .timeout(Duration.ofMillis(500))
                        .filter(Filter.onRequest("moody", SoakTest::obeys))
                        .filter(Filter.onResponse(
                                "revision", response -> response.withHeader("X-Revision", "" + revision)))
                        .to("origin")
                        .build());
    }

    private static Request obeys(Request request) {
        if ("throws".equals(request.headers().get("X-Mood"))) {
            throw new IllegalStateException("as it was told");
        }
        return request;
    }

    private void certificate() throws Exception {
        X509Bundle server = new CertificateBuilder()
                .ecp256()
                .subject("CN=localhost")
                .addSanDnsName("localhost")
                .buildIssuedBy(authority);
        Files.writeString(files.resolve("key.pem"), server.getPrivateKeyPEM());
        Files.writeString(files.resolve("chain.pem"), server.getCertificatePathPEM());
    }

    // ---- what breaks

    private void fault(Gateway gateway, int number, Random random) throws Exception {
        Stoppable origin = origins.get(random.nextInt(origins.size()));
        switch (number % 10) {
            case 0 -> origin.kill();
            case 1, 6 -> origins.forEach(Stoppable::revive);
            case 2 -> gateway.apply(config(number).toConfig());
            case 3 -> certificate();
            case 4 -> origin.dropConnections();
            default -> origin.mood.set(Mood.values()[1 + random.nextInt(Mood.values().length - 1)]);
        }
        count("fault");
    }

    /** An origin that can go, come back on its port, and mistreat the next request. */
    private static final class Stoppable {
        final AtomicReference<Mood> mood = new AtomicReference<>(Mood.WELL);
        private final int port;
        private volatile RawOrigin running;

        Stoppable() throws IOException {
            running = RawOrigin.answering(this::answer).keepNothing();
            port = running.port();
        }

        String url() {
            return "http://127.0.0.1:" + port;
        }

        synchronized void kill() throws IOException {
            if (running != null) {
                running.close();
                running = null;
            }
        }

        synchronized void revive() {
            if (running == null) {
                await().ignoreExceptionsInstanceOf(IOException.class)
                        .until(() -> (running = RawOrigin.on(port, this::answer).keepNothing()) != null);
            }
        }

        synchronized void dropConnections() throws IOException {
            if (running != null) {
                kill();
                revive();
            }
        }

        private boolean answer(RawOrigin.Received request, InputStream in, OutputStream out, Socket socket)
                throws Exception {
            switch (mood.getAndSet(Mood.WELL)) {
                case SAYS_NOTHING -> {
                    in.read(); // until the gateway has had enough
                    return false;
                }
                case RESETS_AT_ONCE -> {
                    socket.setSoLinger(true, 0);
                    return false;
                }
                case BREAKS_OFF -> {
                    return RawOrigin.lastBytes("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly a little")
                            .answer(request, in, out, socket);
                }
                case TALKS_RUBBISH -> {
                    return RawOrigin.lastBytes("SSH-2.0-whatever\r\n\r\n").answer(request, in, out, socket);
                }
                case FAILS -> {
                    return RawOrigin.bytes("HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\noh")
                            .answer(request, in, out, socket);
                }
                case ANSWERS_TOO_EARLY -> {
                    out.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"
                            .getBytes(StandardCharsets.US_ASCII));
                    return false;
                }
                default -> {
                    if (request.line().contains("/big")) {
                        out.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                .getBytes(StandardCharsets.US_ASCII));
                        FlowControlTest.Content.write(out, BIG.length, true, 9);
                        return true;
                    }
                    return RawOrigin.echo().answer(request, in, out, socket);
                }
            }
        }
    }

    // ---- who comes

    private interface Client {
        void run() throws Exception;
    }

    private interface Step {
        /** Returns whether the connection goes on. */
        boolean on(RawClient client) throws Exception;
    }

    private void worker(Client body) {
        Thread thread = new Thread(
                () -> {
                    try {
                        body.run();
                    } catch (Exception | AssertionError unexpected) {
                        wrong.add(Thread.currentThread().getName() + ": " + unexpected);
                    }
                },
                "client-" + threads.size());
        threads.add(thread);
        thread.start();
    }

    private void connections(int port, Step step) throws Exception {
        while (!stop) {
            try (RawClient client = new RawClient(port)) {
                while (!stop && step.on(client)) {
                    pause(5);
                }
            } catch (EOFException | java.net.SocketException | NumberFormatException cut) {
                count("cut by the gateway");
            }
            pause(5);
        }
    }

    private void gets(int port, String path) throws Exception {
        int[] n = {0};
        connections(port, client -> {
            String mood = n[0]++ % 50 == 49 ? "throws" : "none";
            RawClient.Answer answer =
                    client.request("GET", path, "", "X-Mood: " + mood).read();
            return judged("GET", answer, new byte[0]);
        });
    }

    private void posts(int port, Random random) throws Exception {
        connections(port, client -> {
            String body = "x".repeat(1 + random.nextInt(64 * 1024));
            return judged(
                    "POST", client.request("POST", "/echo", body).read(), body.getBytes(StandardCharsets.ISO_8859_1));
        });
    }

    private void downloads(int port, int millisBetweenParts) throws Exception {
        connections(port, client -> {
            if (millisBetweenParts == 0) {
                return judged("download", client.get("/big").read(), BIG);
            }
            client.get("/big");
            byte[] part = new byte[32 * 1024];
            for (int got = 0; got < BIG.length && !stop; ) {
                int read = client.in().read(part);
                if (read < 0) {
                    throw new EOFException();
                }
                String begin = got > 0 ? "" : new String(part, 0, read, StandardCharsets.US_ASCII);
                if (got == 0 && !(begin.startsWith("HTTP/1.1 200") && begin.contains("chunked"))) {
                    // A failure is short, as is an answer that came too early, and the connection stays open behind it.
                    count("slow download failed");
                    return false;
                }
                got += read;
                pause(millisBetweenParts);
            }
            count("slow download");
            return false;
        });
    }

    private void cuts(int port, Random random) throws Exception {
        connections(port, client -> {
            String request = "POST /big HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n" + "y".repeat(5000);
            client.send(request.substring(0, 1 + random.nextInt(request.length())));
            if (random.nextBoolean()) {
                client.socket().setSoLinger(true, 0);
            }
            count("client gone");
            return false;
        });
    }

    private void hostile(int port, Random random) throws Exception {
        List<String> attacks = List.of(
                "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "GET /\u0001 HTTP/1.1\r\nHost: a\r\n\r\n",
                "\u0016\u0003\u0001\u0002\u0000",
                "GET / HTTP/1.1\r\n" + "a: b\r\n".repeat(20_000) + "\r\n",
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n");
        connections(port, client -> {
            client.send(attacks.get(random.nextInt(attacks.size())));
            if (client.read().status() / 100 == 4) {
                count("attack refused");
            } else {
                wrong.add("an attack was answered");
            }
            return false;
        });
    }

    private void secureGets(int port) throws Exception {
        KeyStore roots = KeyStore.getInstance("PKCS12");
        roots.load(null, null);
        roots.setCertificateEntry("root", authority.getRootCertificate());
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(roots);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        while (!stop) {
            // A client of its own now and then: new handshakes, new certificates.
            HttpClient client = HttpClient.newBuilder().sslContext(context).build();
            for (int i = 0; i < 50 && !stop; i++) {
                try {
                    var answer = client.send(
                            HttpRequest.newBuilder(URI.create("https://localhost:" + port + "/filtered"))
                                    .timeout(Duration.ofSeconds(10))
                                    .build(),
                            BodyHandlers.ofByteArray());
                    count(answer.version() + " " + answer.statusCode());
                } catch (IOException cut) {
                    count("HTTP/2 cut");
                }
                pause(10);
            }
        }
    }

    /** An answer is right, or says that something is broken, or is visibly incomplete. */
    private boolean judged(String what, RawClient.Answer answer, byte[] expected) {
        if (!answer.complete()) {
            count(what + " incomplete");
            return false;
        }
        count(what + " " + answer.status());
        boolean early = answer.status() == 200 && answer.body().length == 0;
        if (answer.status() == 200 ? !early && !Arrays.equals(answer.body(), expected) : answer.status() / 100 != 5) {
            wrong.add(what + ": " + answer.status() + " with " + answer.body().length + " bytes");
        }
        return !"close".equalsIgnoreCase(answer.header("connection"));
    }

    private void count(String what) {
        counts.computeIfAbsent(what, name -> new LongAdder()).increment();
    }

    private static void pause(int millis) {
        LockSupport.parkNanos(millis * 1_000_000L);
    }

    // ---- what is left

    private static long heapAfterCollection() {
        for (int i = 0; i < 3; i++) {
            System.gc();
            // Leaks show when what was lost is collected and somebody allocates again.
            for (int n = 0; n < 64; n++) {
                ByteBuf buffer = PooledByteBufAllocator.DEFAULT.directBuffer(16);
                buffer.release();
            }
        }
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed() / 1024;
    }

    private static long openFiles() {
        String[] open = Path.of("/proc/self/fd").toFile().list();
        return open == null ? 0 : open.length;
    }

    private static long median(List<Long> values) {
        return values.stream().sorted().toList().get(values.size() / 2);
    }

    /** What Netty says about leaks. */
    private static final class LeakCounter extends Handler {
        final List<String> seen = java.util.Collections.synchronizedList(new ArrayList<>());
        private final Logger netty = Logger.getLogger("io.netty");

        void attach() {
            netty.addHandler(this);
        }

        void detach() {
            netty.removeHandler(this);
        }

        @Override
        public void publish(LogRecord line) {
            if (String.valueOf(line.getMessage()).contains("LEAK")) {
                seen.add(line.getMessage());
            }
        }

        @Override
        public void flush() {
            // Nothing is kept back.
        }

        @Override
        public void close() {
            // Nothing is held.
        }
    }
}
