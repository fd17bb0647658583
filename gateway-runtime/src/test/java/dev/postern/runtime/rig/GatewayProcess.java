package dev.postern.runtime.rig;

import dev.postern.Gateway;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.VertxRuntime;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A gateway in a JVM of its own, with as little memory as told; for what is measured from outside. */
public final class GatewayProcess implements AutoCloseable {
    private final Process process;
    private final int port;

    private GatewayProcess(Process process, int port) {
        this.process = process;
        this.port = port;
    }

    /** Starts one whose one route leads to this origin, without limits of size and time. */
    public static GatewayProcess to(String origin, String... jvmOptions) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of(jvmOptions));
        command.addAll(List.of("-cp", classPath(), GatewayProcess.class.getName(), origin));
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        BufferedReader out =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        String line = out.readLine();
        if (line == null || !line.startsWith("port ")) {
            process.destroy();
            throw new IOException("the gateway did not start: " + line);
        }
        return new GatewayProcess(process, Integer.parseInt(line.substring(5)));
    }

    /** The class path of the tests, also where a launcher has it in a loader of its own. */
    static String classPath() {
        String own = System.getProperty("java.class.path");
        if (!(GatewayProcess.class.getClassLoader() instanceof URLClassLoader loader)) {
            return own;
        }
        return Stream.of(loader.getURLs())
                .map(url -> Path.of(URI.create(url.toString())).toString())
                .collect(Collectors.joining(File.pathSeparator));
    }

    /** Its port. */
    public int port() {
        return port;
    }

    /** Its resident memory in KiB. */
    public long residentKibibytes() throws IOException {
        return status("VmRSS:");
    }

    /** The most it ever had resident, in KiB. */
    public long peakKibibytes() throws IOException {
        return status("VmHWM:");
    }

    private long status(String field) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/" + process.pid() + "/status"))) {
            if (line.startsWith(field)) {
                return Long.parseLong(line.replaceAll("\\D", ""));
            }
        }
        return -1;
    }

    /** Whether it still runs. */
    public boolean isAlive() {
        return process.isAlive();
    }

    @Override
    public void close() throws IOException {
        process.getOutputStream().close();
        try {
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException stop) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }

    /** Runs until its input ends. */
    public static void main(String[] arguments) throws IOException {
        try (Gateway gateway = Gateway.builder()
                .runtime(new VertxRuntime().eventLoops(2))
                .listen(Listener.http(0).host("127.0.0.1"))
                .upstream(Upstream.builder("origin").endpoints(arguments[0]).build())
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .withoutTimeout()
                        .withoutRequestSizeLimit()
                        .idleTimeout(Duration.ofMinutes(5))
                        .to("origin")
                        .build())
                .build()) {
            gateway.start();
            System.out.println("port " + gateway.listeners().get(0).port());
            while (System.in.read() >= 0) {
                // Until the parent closes it.
            }
            gateway.stop(Duration.ZERO);
        }
    }
}
