package dev.postern.benchmarks.compare;

import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A proxy that is measured: a process of its own, pinned to one processor, with its processor time and its memory. */
final class Peer implements AutoCloseable {
    private static final Pattern RESIDENT = Pattern.compile("VmRSS:\\s+([0-9]+) kB");
    /** What Linux counts processor time in for other processes. */
    private static final long TICK_NANOS = 10_000_000;

    private final String name;
    private final int port;
    private final Process process;
    private final long readyNanos;

    private Peer(String name, int port, Process process, long readyNanos) {
        this.name = name;
        this.port = port;
        this.process = process;
        this.readyNanos = readyNanos;
    }

    /**
     * Starts it and waits until it answers, or accepts when {@code cleartext} is false.
     *
     * @param cpu the processor to pin it to, or none if negative
     */
    static Peer start(String name, List<String> command, int port, boolean cleartext, int cpu, Path log)
            throws IOException, InterruptedException {
        List<String> pinned = new ArrayList<>();
        if (cpu >= 0) {
            pinned.addAll(List.of("taskset", "-c", Integer.toString(cpu)));
        }
        pinned.addAll(command);
        long begun = System.nanoTime();
        Process process = new ProcessBuilder(pinned)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .directory(new File("."))
                .start();
        while (System.nanoTime() - begun < TimeUnit.SECONDS.toNanos(90)) {
            if (!process.isAlive()) {
                throw new IOException(name + " ended: " + Files.readString(log, StandardCharsets.UTF_8));
            }
            if (answers(port, cleartext)) {
                return new Peer(name, port, process, System.nanoTime() - begun);
            }
            TimeUnit.MILLISECONDS.sleep(5);
        }
        process.destroy();
        throw new IOException(name + " did not answer: " + Files.readString(log, StandardCharsets.UTF_8));
    }

    private static boolean answers(int port, boolean cleartext) {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1000);
            if (!cleartext) {
                return true;
            }
            socket.setSoTimeout(20_000);
            socket.getOutputStream()
                    .write("GET /svc0/api/x HTTP/1.1\r\nHost: api.example.com\r\nX-Tenant: acme\r\n\r\n"
                            .getBytes(StandardCharsets.US_ASCII));
            byte[] begin = socket.getInputStream().readNBytes(8);
            return new String(begin, StandardCharsets.US_ASCII).equals("HTTP/1.1");
        } catch (SocketTimeoutException silent) {
            return false;
        } catch (IOException notYet) {
            return false;
        }
    }

    String name() {
        return name;
    }

    int port() {
        return port;
    }

    /** From the start of the process to its first answer. */
    long readyNanos() {
        return readyNanos;
    }

    private Stream<ProcessHandle> processes() {
        return Stream.concat(Stream.of(process.toHandle()), process.descendants());
    }

    /** Processor time so far, user and kernel, of all its processes. */
    long cpuNanos() {
        return processes().mapToLong(handle -> cpuNanos(handle.pid())).sum();
    }

    private static long cpuNanos(long pid) {
        try {
            String stat = Files.readString(Path.of("/proc/" + pid + "/stat"), StandardCharsets.US_ASCII);
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) * TICK_NANOS;
        } catch (IOException ended) {
            return 0;
        }
    }

    /** Memory that it has in hand now. */
    long residentBytes() {
        return processes().mapToLong(handle -> residentBytes(handle.pid())).sum();
    }

    private static long residentBytes(long pid) {
        try {
            Matcher found =
                    RESIDENT.matcher(Files.readString(Path.of("/proc/" + pid + "/status"), StandardCharsets.US_ASCII));
            return found.find() ? Long.parseLong(found.group(1)) * 1024 : 0;
        } catch (IOException ended) {
            return 0;
        }
    }

    @Override
    public void close() {
        List<ProcessHandle> mine = processes().toList();
        mine.forEach(ProcessHandle::destroy);
        try {
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                mine.forEach(ProcessHandle::destroyForcibly);
            }
        } catch (InterruptedException stopped) {
            mine.forEach(ProcessHandle::destroyForcibly);
            Thread.currentThread().interrupt();
        }
    }
}
