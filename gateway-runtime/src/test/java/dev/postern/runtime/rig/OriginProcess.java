package dev.postern.runtime.rig;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * An origin in a JVM of its own, which can be killed as {@code kill -9} does: nothing of it says goodbye. It answers {@code
 * GET /halves} in two halves 20 ms apart, and notes each {@code POST} in a file as soon as it has read it; what is noted
 * outlives it.
 */
public final class OriginProcess implements AutoCloseable {
    private final Process process;
    private final int port;

    private OriginProcess(Process process, int port) {
        this.process = process;
        this.port = port;
    }

    /** Starts one on this port, or on any with 0, and waits until it listens. */
    public static OriginProcess start(int port, Path notes) throws IOException {
        Process process = new ProcessBuilder(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx64m",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        GatewayProcess.classPath(),
                        OriginProcess.class.getName(),
                        Integer.toString(port),
                        notes.toString()))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String line =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8)).readLine();
        if (line == null || !line.startsWith("port ")) {
            process.destroyForcibly();
            throw new IOException("the origin did not start: " + line);
        }
        return new OriginProcess(process, Integer.parseInt(line.substring(5)));
    }

    /** Its port. */
    public int port() {
        return port;
    }

    /** Its address. */
    public String url() {
        return "http://127.0.0.1:" + port;
    }

    /** SIGKILL; comes back when it is dead. */
    public void kill() throws InterruptedException {
        process.destroyForcibly();
        process.waitFor(10, TimeUnit.SECONDS);
    }

    @Override
    public void close() {
        process.destroyForcibly().onExit().join();
    }

    /** Runs until it is killed, or its input ends with its parent. */
    public static void main(String[] arguments) throws IOException {
        Path notes = Path.of(arguments[1]);
        RawOrigin.Script ok = RawOrigin.ok("ok");
        try (RawOrigin origin = RawOrigin.on(Integer.parseInt(arguments[0]), (request, in, out, socket) -> {
            if (request.line().startsWith("POST ")) {
                // Lines of this length are appended in one piece, whoever else writes.
                Files.writeString(notes, request.text() + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            } else if (request.line().contains("/halves")) {
                out.write("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf".getBytes(StandardCharsets.US_ASCII));
                out.flush();
                LockSupport.parkNanos(20_000_000);
                out.write("half".getBytes(StandardCharsets.US_ASCII));
                return true;
            }
            return ok.answer(request, in, out, socket);
        })) {
            origin.keepNothing();
            System.out.println("port " + origin.port());
            while (System.in.read() >= 0) {
                // Until the parent is gone.
            }
        }
    }
}
