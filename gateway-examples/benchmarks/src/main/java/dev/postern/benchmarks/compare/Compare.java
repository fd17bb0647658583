package dev.postern.benchmarks.compare;

import dev.postern.benchmarks.compare.Load.Plan;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerOptions;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.Key;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.Signature;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Runs the gateway beside other proxies on the same origin and prints a table: processor time per request and its ratio.
 * The proxies are pinned to one processor, load and origin to another.
 *
 * <p>Arguments, all optional: {@code rows=1,2,5} of the table, {@code rounds=7}, {@code seconds=1} of a round, {@code
 * warm=300000} answers before that, {@code out=folder} for table and chart, {@code spring=folder} with the jars of Spring
 * Cloud Gateway. Programs that are not installed are left out.
 */
public final class Compare {
    private static final int CONNECTIONS = 64;
    private static final int IDLE = 10_000;
    private static final int SLOW = 50;
    private static final int LATENCY_RATE = 5_000;

    @SuppressWarnings("StringConcatToTextBlock") // the ends of its lines are not those of this file
    private static final String HEAD = " HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: load/1.0\r\n"
            + "Accept: application/json\r\nAccept-Encoding: gzip\r\nAccept-Language: en\r\nX-Tenant: acme\r\n";

    private final Map<String, String> options;
    private final Path folder;
    private final Origin origin;
    private final Contestants contestants;
    private final int rounds;
    private final double seconds;
    private final long warm;
    private final List<String> rows = new ArrayList<>();
    private final Map<String, Double> chart = new LinkedHashMap<>();

    private interface Row {
        void run() throws Exception;
    }

    private Compare(Map<String, String> options) throws IOException {
        this.options = options;
        folder = Files.createTempDirectory("compare");
        origin = new Origin(0);
        int cpu = Contestants.isInstalled("taskset") && Runtime.getRuntime().availableProcessors() > 1 ? 0 : -1;
        contestants = new Contestants(folder, origin.port(), cpu);
        rounds = Integer.parseInt(options.getOrDefault("rounds", "7"));
        seconds = Double.parseDouble(options.getOrDefault("seconds", "1"));
        warm = Long.parseLong(options.getOrDefault("warm", "300000"));
    }

    /** Measures; see above. */
    public static void main(String[] args) throws Exception {
        Map<String, String> options = new TreeMap<>();
        for (String arg : args) {
            String[] parts = arg.split("=", 2);
            options.put(parts[0], parts.length == 2 ? parts[1] : "");
        }
        new Compare(options).run();
        System.exit(0);
    }

    private void run() throws Exception {
        moveAway();
        Map<String, Row> all = new LinkedHashMap<>();
        all.put("1", this::plain);
        all.put("2", this::filters);
        all.put("3", this::routes);
        all.put("4", this::tokens);
        all.put("5", this::posts);
        all.put("6", this::large);
        all.put("7", this::http2Front);
        all.put("8", this::http2Behind);
        all.put("9", this::tls);
        all.put("10", this::latency);
        all.put("11", this::memory);
        all.put("12", this::starting);
        all.put("13", this::allocation);
        all.put("14", this::inProcess);
        String wanted = options.getOrDefault("rows", String.join(",", all.keySet()));
        for (String number : wanted.split(",")) {
            Row row = all.get(number);
            if (row == null) {
                throw new IllegalArgumentException("row " + number + " (expected: 1 to 14)");
            }
            try {
                row.run();
            } catch (IOException broken) {
                add(number, "not measured: " + broken.getMessage(), "", "");
            }
        }
        write();
    }

    /** Load and origin go to the second processor, where there is one. */
    private static void moveAway() throws IOException, InterruptedException {
        if (Contestants.isInstalled("taskset") && Runtime.getRuntime().availableProcessors() > 1) {
            new ProcessBuilder(
                            "taskset",
                            "-a",
                            "-cp",
                            "1",
                            Long.toString(ProcessHandle.current().pid()))
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start()
                    .waitFor();
        }
    }

    // ---- rows

    private void plain() throws Exception {
        List<Peer> peers = new ArrayList<>();
        try {
            peers.add(contestants.java("raw", RawVertxPeer.class));
            peers.add(contestants.java("postern", PosternPeer.class));
            peers.add(contestants.java("raw-io_uring", RawVertxPeer.class, "transport=io_uring"));
            peers.add(contestants.java("postern-io_uring", PosternPeer.class, "transport=io_uring"));
            peers.add(contestants.java("vertx-http-proxy", HttpProxyPeer.class));
            if (Contestants.isInstalled("nginx")) {
                peers.add(contestants.nginx("nginx", "", ""));
            }
            if (Contestants.isInstalled("haproxy")) {
                peers.add(contestants.haproxy());
            }
            String spring = options.get("spring");
            if (spring != null) {
                peers.add(contestants.spring(Path.of(spring)));
            }
            Rounds seen = measure(peers, closed(get("/api/items/42", "")));
            for (String name : seen.names()) {
                chart.put(name, seen.cpu(name));
            }
            ratio("1", "GET", seen, "postern", "raw", 1.18);
            ratio("1", "GET", seen, "postern", "nginx", 1.48);
            ratio("1", "GET, io_uring", seen, "postern-io_uring", "raw-io_uring", 1.18);
            ratio("1", "GET, io_uring", seen, "postern-io_uring", "nginx", 1.15);
            ratio("1", "GET", seen, "postern", "spring-cloud-gateway", 0.30);
            ratio("1", "GET, is the run valid?", seen, "raw", "nginx", 1.35);
        } finally {
            close(peers);
        }
    }

    private void filters() throws Exception {
        versus(
                "2",
                "GET, eight everyday filters",
                contestants.java("raw", RawVertxPeer.class),
                contestants.java("postern", PosternPeer.class, "everyday=true"),
                get("/api/items/42", "X-API-Key: " + PosternPeer.KEY + "\r\n"),
                1.35);
    }

    private void routes() throws Exception {
        List<Peer> peers = new ArrayList<>();
        try {
            Map<Peer, Plan> plans = new LinkedHashMap<>();
            for (int count : new int[] {1, 10_000, 100_000}) {
                Peer peer = contestants.java("routes-" + count, PosternPeer.class, "routes=" + count);
                peers.add(peer);
                Random random = new Random(count);
                List<byte[]> requests = new ArrayList<>();
                for (int i = 0; i < 10_000; i++) {
                    requests.add(get("/svc" + random.nextInt(count) + "/api/items/" + i, ""));
                }
                plans.put(peer, new Plan(requests, CONNECTIONS, 0));
            }
            Rounds seen = new Rounds();
            seen.run(plans, rounds, seconds, warm);
            print("3", seen);
            ratio("3", "random GET among 10,000 routes", seen, "routes-10000", "routes-1", 1.08);
            ratio("3", "random GET among 100,000 routes", seen, "routes-100000", "routes-1", 1.10);
        } finally {
            close(peers);
        }
    }

    private void tokens() throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
        generator.initialize(2048);
        KeyPair issuer = generator.generateKeyPair();
        Path key = Files.write(folder.resolve("issuer.der"), issuer.getPublic().getEncoded());
        byte[] request = get("/api/items/42", "Authorization: Bearer " + token(issuer) + "\r\n");
        try (Peer without = contestants.java("postern", PosternPeer.class);
                Peer with = contestants.java("postern-jwt", PosternPeer.class, "jwt=" + key)) {
            Rounds seen = measure(List.of(without, with), closed(request));
            double more = seen.cpu("postern-jwt") - seen.cpu("postern");
            add("4", "JWT RS256, token seen before", format("+%.1f µs", more), verdict("≤ +3 µs", more <= 3));
        }
    }

    private static String token(KeyPair issuer) throws GeneralSecurityException {
        Base64.Encoder base64 = Base64.getUrlEncoder().withoutPadding();
        long now = Instant.now().getEpochSecond();
        String claims = "{\"iss\":\"https://issuer.example\",\"sub\":\"load\",\"iat\":" + now + ",\"exp\":"
                + (now + 7200) + "}";
        String text = base64.encodeToString("{\"alg\":\"RS256\"}".getBytes(StandardCharsets.UTF_8))
                + '.'
                + base64.encodeToString(claims.getBytes(StandardCharsets.UTF_8));
        Signature signature = Signature.getInstance("SHA256withRSA");
        signature.initSign(issuer.getPrivate());
        signature.update(text.getBytes(StandardCharsets.US_ASCII));
        return text + '.' + base64.encodeToString(signature.sign());
    }

    private void posts() throws Exception {
        versus(
                "5",
                "POST 1 KiB",
                contestants.java("raw", RawVertxPeer.class),
                contestants.java("postern", PosternPeer.class),
                ascii("POST /api/items" + HEAD + "Content-Length: 1024\r\n\r\n" + "y".repeat(1024)),
                1.18);
    }

    private void large() throws Exception {
        List<Peer> peers = new ArrayList<>();
        try {
            peers.add(contestants.java("raw", RawVertxPeer.class));
            peers.add(contestants.java("postern", PosternPeer.class));
            if (Contestants.isInstalled("nginx")) {
                peers.add(contestants.nginx("nginx", "", ""));
            }
            Rounds seen = new Rounds();
            seen.run(plans(peers, new Plan(List.of(get("/big", "")), 8, 0)), rounds, seconds, warm / 100);
            print("6", seen);
            ratio("6", "1 MiB responses", seen, "postern", "nginx", 1.0);
            ratio("6", "1 MiB responses", seen, "postern", "raw", 1.0);
            double kibibytes = slowReaders(peers.get(1));
            add(
                    "6",
                    "each of " + SLOW + " slow readers",
                    format("%.0f KiB", kibibytes),
                    verdict("≤ 600 KiB", kibibytes <= 600));
        } finally {
            close(peers);
        }
    }

    private static double slowReaders(Peer peer) throws IOException, InterruptedException {
        long before = peer.residentBytes();
        List<SocketChannel> readers = new ArrayList<>();
        try {
            for (int i = 0; i < SLOW; i++) {
                SocketChannel reader =
                        SocketChannel.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), peer.port()));
                readers.add(reader);
                reader.write(ByteBuffer.wrap(get("/big", "")));
            }
            TimeUnit.SECONDS.sleep(3);
            return Math.max(0, peer.residentBytes() - before) / 1024.0 / SLOW;
        } finally {
            for (SocketChannel reader : readers) {
                reader.close();
            }
        }
    }

    private void http2Front() throws Exception {
        if (!Contestants.isInstalled("h2load")) {
            add("7", "HTTP/2 in front", "h2load is not installed", "");
            return;
        }
        List<Peer> peers = new ArrayList<>();
        try {
            peers.add(contestants.java("postern", PosternPeer.class, "front=h2"));
            if (Contestants.isInstalled("nginx")) {
                peers.add(contestants.nginx("nginx", "http2", ""));
            }
            external(
                    "7",
                    "HTTP/2 in front, HTTP/1.1 behind",
                    peers,
                    peer -> List.of(
                            "h2load",
                            "-t1",
                            "-c16",
                            "-m10",
                            "-D",
                            Long.toString(Math.max(1, Math.round(seconds))),
                            "http://127.0.0.1:" + peer.port() + "/api/items/42"),
                    Pattern.compile("([0-9]+) succeeded"),
                    "nginx",
                    1.3);
        } finally {
            close(peers);
        }
    }

    private void http2Behind() throws Exception {
        Vertx vertx = Vertx.vertx();
        int port = vertx.createHttpServer(
                        new HttpServerOptions().setHost("127.0.0.1").setPort(0))
                .requestHandler(request -> request.response()
                        .putHeader("Content-Type", "application/json")
                        .end("x".repeat(200)))
                .listen()
                .await()
                .actualPort();
        Contestants behind = new Contestants(folder, port, Runtime.getRuntime().availableProcessors() > 1 ? 0 : -1);
        try {
            versus(
                    "8",
                    "HTTP/1.1 in front, HTTP/2 behind",
                    behind.java("raw", RawVertxPeer.class),
                    behind.java("postern", PosternPeer.class, "back=h2"),
                    get("/api/items/42", ""),
                    1.3);
        } finally {
            vertx.close().await();
        }
    }

    private void tls() throws Exception {
        if (!Contestants.isInstalled("wrk")) {
            add("9", "TLS 1.3, keep-alive", "wrk is not installed", "");
            return;
        }
        certificate();
        List<Peer> peers = new ArrayList<>();
        try {
            peers.add(contestants.java("postern", PosternPeer.class, "tls=" + folder));
            peers.add(contestants.java("raw", RawVertxPeer.class, "tls=" + folder));
            if (Contestants.isInstalled("nginx")) {
                peers.add(contestants.nginx(
                        "nginx",
                        "ssl",
                        "ssl_certificate " + folder + "/cert.pem; ssl_certificate_key " + folder
                                + "/key.pem; ssl_protocols TLSv1.3;"));
            }
            external(
                    "9",
                    "TLS 1.3, keep-alive",
                    peers,
                    peer -> List.of(
                            "wrk",
                            "-t1",
                            "-c" + CONNECTIONS,
                            "-d" + Math.max(1, Math.round(seconds)) + "s",
                            "https://127.0.0.1:" + peer.port() + "/api/items/42"),
                    Pattern.compile("([0-9]+) requests in"),
                    "raw",
                    1.18);
        } finally {
            close(peers);
        }
    }

    private void certificate() throws Exception {
        Path store = folder.resolve("store.p12");
        new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-keyalg",
                        "EC",
                        "-groupname",
                        "secp256r1",
                        "-alias",
                        "a",
                        "-dname",
                        "CN=localhost",
                        "-ext",
                        "SAN=IP:127.0.0.1",
                        "-validity",
                        "30",
                        "-storetype",
                        "PKCS12",
                        "-storepass",
                        "changeit",
                        "-keystore",
                        store.toString())
                .redirectErrorStream(true)
                .start()
                .waitFor();
        char[] password = "changeit".toCharArray();
        KeyStore keys = KeyStore.getInstance(store.toFile(), password);
        Key key = keys.getKey("a", password);
        pem("key.pem", "PRIVATE KEY", key.getEncoded());
        pem("cert.pem", "CERTIFICATE", keys.getCertificate("a").getEncoded());
    }

    private void pem(String file, String what, byte[] bytes) throws IOException {
        Files.writeString(
                folder.resolve(file),
                "-----BEGIN " + what + "-----\n"
                        + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(bytes) + "\n-----END " + what
                        + "-----\n");
    }

    private void latency() throws Exception {
        List<Peer> peers = new ArrayList<>();
        try {
            peers.add(contestants.java("raw", RawVertxPeer.class));
            peers.add(contestants.java("postern", PosternPeer.class));
            if (Contestants.isInstalled("nginx")) {
                peers.add(contestants.nginx("nginx", "", ""));
            }
            for (Peer peer : peers) {
                Rounds.warm(peer, closed(get("/api/items/42", "")), warm);
            }
            Rounds seen = new Rounds();
            seen.run(
                    plans(peers, new Plan(List.of(get("/api/items/42", "")), CONNECTIONS, LATENCY_RATE)),
                    rounds,
                    seconds,
                    0);
            for (String name : seen.names()) {
                System.out.printf(
                        "  %-22s p50 %6.0f µs  p99 %7.0f µs (best rounds)%n",
                        name, seen.bestLatency(name, 0.5), seen.bestLatency(name, 0.99));
            }
            double more = seen.bestLatency("postern", 0.5) - seen.bestLatency("raw", 0.5);
            double tail = seen.bestLatency("postern", 0.99) / seen.bestLatency("raw", 0.99);
            add("10", "p50 at 5,000 a second", format("%+.0f µs", more), verdict("≤ raw + 15 µs", more <= 15));
            add("10", "p99 at 5,000 a second", format("%.2f × raw", tail), verdict("≤ 1.5 × raw", tail <= 1.5));
        } finally {
            close(peers);
        }
    }

    private void memory() throws Exception {
        for (String name : List.of("raw", "postern")) {
            try (Peer peer = contestants.java(name, name.equals("raw") ? RawVertxPeer.class : PosternPeer.class)) {
                Rounds.warm(peer, closed(get("/api/items/42", "")), warm / 3);
                double kibibytes = idle(peer);
                add(
                        "11",
                        IDLE + " idle connections, " + name,
                        format("%.1f KiB each", kibibytes),
                        verdict("≤ 8 KiB", kibibytes <= 8));
            }
        }
        try (Peer large = contestants.java("heap-512m", PosternPeer.class);
                Peer small = contestants.small("heap-64m", PosternPeer.class)) {
            Rounds seen = measure(List.of(large, small), closed(get("/api/items/42", "")));
            ratio("11", "GET with -Xmx64m", seen, "heap-64m", "heap-512m", 1.1);
        }
    }

    private static double idle(Peer peer) throws IOException, InterruptedException {
        long before = peer.residentBytes();
        List<Socket> open = new ArrayList<>();
        byte[] answer = new byte[4096];
        try {
            for (int i = 0; i < IDLE; i++) {
                Socket socket = new Socket();
                open.add(socket);
                socket.bind(new InetSocketAddress("127.0.0." + (1 + i % 4), 0));
                socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), peer.port()));
                socket.setSoTimeout(5_000);
                socket.getOutputStream().write(get("/api/items/42", ""));
                if (socket.getInputStream().read(answer) < 12 || answer[9] != '2') {
                    throw new IOException("connection " + i + " was not served");
                }
            }
            TimeUnit.SECONDS.sleep(2);
            return Math.max(0, peer.residentBytes() - before) / 1024.0 / IDLE;
        } finally {
            for (Socket socket : open) {
                socket.close();
            }
        }
    }

    private void starting() throws Exception {
        double raw = startMillis("raw", RawVertxPeer.class);
        double postern = startMillis("postern", PosternPeer.class, "routes=100");
        add(
                "12",
                "start with 100 routes",
                format("%.0f ms, raw %.0f ms", postern, raw),
                verdict("≤ raw + 250 ms", postern - raw <= 250));
    }

    private double startMillis(String name, Class<?> main, String... properties) throws Exception {
        List<Long> millis = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            try (Peer peer = contestants.java(name, main, properties)) {
                Matcher said = Pattern.compile("started in ([0-9]+) ms")
                        .matcher(Files.readString(folder.resolve(name + ".log")));
                millis.add(said.find() ? Long.parseLong(said.group(1)) : peer.readyNanos() / 1_000_000);
            }
        }
        return millis.stream().sorted().skip(2).findFirst().orElseThrow();
    }

    private void allocation() throws Exception {
        Map<String, String[]> lines = new LinkedHashMap<>();
        for (String line : child(Allocation.class, "exchanges=20000").lines().toList()) {
            String[] words = line.split(" ");
            if (words.length == 4) {
                lines.put(words[0], words);
            }
        }
        for (String[] words : lines.values()) {
            double ratio = Double.parseDouble(words[3]);
            add(
                    "13",
                    "bytes allocated, " + words[0],
                    words[2] + " B, raw " + words[1] + " B = " + words[3] + " ×",
                    words[0].equals("get") ? verdict("≤ 1.4 × raw", ratio <= 1.4) : "");
        }
        String[] none = lines.get("get");
        String[] eight = lines.get("get-8-filters");
        if (none != null && eight != null) {
            double each = (Double.parseDouble(eight[2]) - Double.parseDouble(none[2])) / 8;
            add("13", "bytes of a filter that lets pass", format("%.0f B", each), verdict("≤ 200 B", each <= 200));
        }
    }

    private void inProcess() throws Exception {
        Matcher said = Pattern.compile("handle ([0-9]+) ([0-9]+)").matcher(child(HandlePeer.class));
        if (said.find()) {
            double micros = Long.parseLong(said.group(1)) / 1e3;
            add(
                    "14",
                    "handle() on the loop, local upstream",
                    format("%.2f µs, %s B", micros, said.group(2)),
                    verdict("≤ 2 µs", micros <= 2));
        }
    }

    // ---- measuring

    private String child(Class<?> main, String... properties) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:+UseSerialGC", "-Xmx512m"));
        Arrays.stream(properties).forEach(property -> command.add("-D" + property));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        return output;
    }

    private void versus(String number, String what, Peer base, Peer mine, byte[] request, double most)
            throws IOException {
        try (base;
                mine) {
            ratio(number, what, measure(List.of(base, mine), closed(request)), mine.name(), base.name(), most);
        }
    }

    private interface Command {
        List<String> of(Peer peer);
    }

    /** With a public tool: it prints how many requests it made. */
    private void external(
            String number, String what, List<Peer> peers, Command command, Pattern count, String base, double most)
            throws IOException, InterruptedException {
        Map<String, List<Double>> costs = new LinkedHashMap<>();
        for (int i = -Math.max(1, (int) (warm / 20_000.0 / Math.max(1, seconds))); i < rounds; i++) {
            for (Peer peer : peers) {
                long before = peer.cpuNanos();
                Process tool = new ProcessBuilder(command.of(peer))
                        .redirectErrorStream(true)
                        .start();
                String output = new String(tool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                tool.waitFor();
                Matcher made = count.matcher(output);
                if (!made.find()) {
                    throw new IOException("the tool said: " + output);
                }
                if (i >= 0) {
                    costs.computeIfAbsent(peer.name(), name -> new ArrayList<>())
                            .add((peer.cpuNanos() - before) / 1e3 / Math.max(1, Long.parseLong(made.group(1))));
                }
            }
        }
        costs.forEach((name, each) -> System.out.printf("  %-22s %7.1f µs%n", name, median(each)));
        List<Double> mine = costs.getOrDefault("postern", List.of());
        List<Double> other = costs.getOrDefault(base, List.of());
        List<Double> ratios = new ArrayList<>();
        for (int i = 0; i < Math.min(mine.size(), other.size()); i++) {
            ratios.add(mine.get(i) / other.get(i));
        }
        if (!ratios.isEmpty()) {
            double paired = median(ratios);
            add(
                    number,
                    what,
                    format("%.1f µs = %.2f × %s", median(mine), paired, base),
                    verdict(format("≤ %.2f × %s", most, base), paired <= most));
        }
    }

    private static double median(List<Double> values) {
        double[] sorted = values.stream().mapToDouble(value -> value).sorted().toArray();
        return sorted.length == 0 ? Double.NaN : (sorted[sorted.length / 2] + sorted[(sorted.length - 1) / 2]) / 2;
    }

    private Rounds measure(List<Peer> peers, Plan plan) throws IOException {
        Rounds seen = new Rounds();
        seen.run(plans(peers, plan), rounds, seconds, warm);
        print("", seen);
        return seen;
    }

    private static Map<Peer, Plan> plans(List<Peer> peers, Plan plan) {
        Map<Peer, Plan> plans = new LinkedHashMap<>();
        peers.forEach(peer -> plans.put(peer, plan));
        return plans;
    }

    private static Plan closed(byte[] request) {
        return new Plan(List.of(request), CONNECTIONS, 0);
    }

    private static byte[] get(String target, String more) {
        return ascii("GET " + target + HEAD + more + "\r\n");
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static void close(List<Peer> peers) {
        peers.forEach(Peer::close);
    }

    // ---- telling

    private static void print(String number, Rounds seen) {
        for (String name : seen.names()) {
            System.out.printf(
                    "%s  %-22s %7.1f µs  %7.0f/s  %d failed%n",
                    number, name, seen.cpu(name), seen.answersPerSecond(name), seen.failures(name));
        }
    }

    private void ratio(String number, String what, Rounds seen, String name, String base, double most) {
        if (!seen.names().contains(name) || !seen.names().contains(base)) {
            add(number, what, base + " was not there", "");
            return;
        }
        double paired = seen.paired(name, base);
        double best = seen.best(name, base);
        add(
                number,
                what,
                format("%s %.1f µs = %.2f × %s (best rounds %.2f)", name, seen.cpu(name), paired, base, best),
                verdict(format("≤ %.2f × %s", most, base), Math.min(paired, best) <= most));
    }

    private static String verdict(String target, boolean met) {
        return target + (met ? ": met" : ": **missed**");
    }

    private void add(String number, String what, String seen, String verdict) {
        String row = "| " + number + " | " + what + " | " + seen + " | " + verdict + " |";
        rows.add(row);
        System.out.println(row);
    }

    private void write() throws IOException, InterruptedException {
        String out = options.get("out");
        if (out == null) {
            return;
        }
        Path target = Files.createDirectories(Path.of(out));
        try (PrintStream table = new PrintStream(target.resolve("table.md").toFile(), StandardCharsets.UTF_8)) {
            table.printf(
                    "%s, %s, rounds %d of %.1f s%n%n",
                    LocalDate.now(ZoneOffset.UTC), Contestants.versions(), rounds, seconds);
            table.println("| # | workload | seen | target |\n|---|---|---|---|");
            rows.forEach(table::println);
        }
        if (!chart.isEmpty()) {
            Files.writeString(target.resolve("chart.svg"), Chart.bars("processor time of a GET, µs", chart));
        }
    }

    private static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }
}
