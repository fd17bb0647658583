package dev.postern.benchmarks.compare;

import java.io.File;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/** How each proxy is started: the settings that its users would choose, one worker, the same origin. */
final class Contestants {
    private static final List<String> JVM = List.of("-Xms512m", "-Xmx512m", "-XX:+UseSerialGC");

    private static final int LOWEST_PORT = 12_000;
    private static final int HIGHEST_PORT = 30_000;

    private final Path folder;
    private final int origin;
    private final int cpu;

    Contestants(Path folder, int origin, int cpu) {
        this.folder = folder;
        this.origin = origin;
        this.cpu = cpu;
    }

    /** Starts one of ours or of the JVM's, with system properties {@code name=value}. */
    Peer java(String name, Class<?> main, String... properties) throws IOException, InterruptedException {
        return java(name, JVM, System.getProperty("java.class.path"), main.getName(), properties);
    }

    /** The same with another heap. */
    Peer small(String name, Class<?> main, String... properties) throws IOException, InterruptedException {
        return java(
                name,
                List.of("-Xms64m", "-Xmx64m", "-XX:+UseSerialGC"),
                System.getProperty("java.class.path"),
                main.getName(),
                properties);
    }

    private Peer java(String name, List<String> jvm, String classPath, String main, String... properties)
            throws IOException, InterruptedException {
        int port = freePort();
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(jvm);
        command.addAll(List.of("-Dport=" + port, "-Dorigin=" + origin));
        Arrays.stream(properties).forEach(property -> command.add("-D" + property));
        command.addAll(List.of("-cp", classPath, main));
        boolean cleartext = Arrays.stream(properties).noneMatch(it -> it.startsWith("tls") || it.startsWith("front"));
        return Peer.start(name, command, port, cleartext, cpu, log(name));
    }

    /** Spring Cloud Gateway from a class path made by Maven: see the folder of its project. */
    Peer spring(Path libraries) throws IOException, InterruptedException {
        try (var jars = Files.list(libraries)) {
            List<String> all = jars.map(Path::toString).sorted().toList();
            return java("spring-cloud-gateway", JVM, String.join(File.pathSeparator, all), "spring.SpringPeer");
        }
    }

    /** One worker, keep-alive on both sides, no log. */
    Peer nginx(String name, String listen, String tls) throws IOException, InterruptedException {
        int port = freePort();
        Path home = Files.createDirectories(folder.resolve(name));
        String temporary = "client_body proxy fastcgi uwsgi scgi"
                .replaceAll("(\\w+)", "$1_temp_path " + home + "/$1;")
                .replace("client_body_temp_path " + home + "/client_body;", "client_body_temp_path " + home + "/body;");
        Path config = home.resolve("nginx.conf");
        Files.writeString(config, """
                worker_processes 1; worker_rlimit_nofile 30000; daemon off; pid %1$s/pid; error_log %1$s/error.log warn;
                events { worker_connections 25000; }
                http { access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; %2$s
                  upstream o { server 127.0.0.1:%3$d; keepalive 512; keepalive_requests 1000000000; keepalive_timeout 600s; }
                  server { listen 127.0.0.1:%4$d %5$s; %6$s
                    proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
                    proxy_set_header X-Forwarded-For $remote_addr; proxy_max_temp_file_size 0;
                    location / { proxy_pass http://o; } } }
                """.formatted(home, temporary, origin, port, listen, tls), StandardCharsets.US_ASCII);
        return Peer.start(
                name,
                List.of("nginx", "-p", home.toString(), "-c", config.toString()),
                port,
                listen.isEmpty(),
                cpu,
                log(name));
    }

    /** One thread, keep-alive on both sides, no log. */
    Peer haproxy() throws IOException, InterruptedException {
        int port = freePort();
        Path config = folder.resolve("haproxy.cfg");
        Files.writeString(config, """
                global
                  nbthread 1
                defaults
                  mode http
                  timeout client 600s
                  timeout server 600s
                  timeout connect 5s
                  option http-keep-alive
                  http-reuse always
                frontend f
                  bind 127.0.0.1:%d
                  option forwardfor
                  default_backend o
                backend o
                  server s1 127.0.0.1:%d
                """.formatted(port, origin), StandardCharsets.US_ASCII);
        return Peer.start("haproxy", List.of("haproxy", "-f", config.toString()), port, true, cpu, log("haproxy"));
    }

    /** Whether a program is there. */
    static boolean isInstalled(String program) {
        return Arrays.stream((System.getenv("PATH") + ":/usr/sbin:/sbin").split(":"))
                .anyMatch(at -> Files.isExecutable(Path.of(at, program)));
    }

    /** What a program says of its version. */
    static Map<String, String> versions() throws IOException, InterruptedException {
        Map<String, String> versions = new LinkedHashMap<>();
        versions.put("java", System.getProperty("java.vm.version"));
        for (String program : List.of("nginx", "haproxy", "h2load", "wrk")) {
            if (isInstalled(program)) {
                versions.put(program, firstLine(List.of(program, program.equals("h2load") ? "--version" : "-v")));
            }
        }
        return versions;
    }

    private static String firstLine(List<String> command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor(10, TimeUnit.SECONDS);
        return output.lines().findFirst().orElse("");
    }

    private Path log(String name) {
        return folder.resolve(name + ".log");
    }

    /**
     * One that no connection of a client can have: those that the system hands out lie above, and each stays taken for a
     * minute after its end, for whoever binds to all addresses.
     */
    private static int freePort() throws IOException {
        BindException lastTaken = null;
        for (int i = 0; i < 100; i++) {
            int port = ThreadLocalRandom.current().nextInt(LOWEST_PORT, HIGHEST_PORT);
            try (ServerSocket socket = new ServerSocket()) {
                socket.bind(new InetSocketAddress(port), 1);
                return port;
            } catch (BindException taken) {
                lastTaken = taken;
            }
        }
        throw new IOException("no free port between " + LOWEST_PORT + " and " + HIGHEST_PORT, lastTaken);
    }
}
