package dev.postern.benchmarks.compare;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.LongSupplier;

/**
 * Sends requests over keep-alive connections on one thread and takes the time. Closed loop: each connection sends the next
 * request when it has its answer. Open loop: requests are due at random instants of a fixed mean rate, and what counts is
 * the time from when a request was due, also when no connection was free for it.
 */
final class Load {
    private static final int READ_BYTES = 256 * 1024;
    private static final byte[] LENGTH = {'c', 'o', 'n', 't', 'e', 'n', 't', '-', 'l', 'e', 'n', 'g', 't', 'h', ':'};

    /** What to send: each request complete with its body, in turn; rate 0 is the closed loop. */
    record Plan(List<byte[]> requests, int connections, int requestsPerSecond) {}

    /**
     * What was seen in the window.
     *
     * @param cpuNanos what the clock that was asked says it has cost
     */
    record Seen(long answers, long failures, long nanos, long cpuNanos, long[] latencies) {
        /** The latency that a share of the requests stays below, in nanoseconds. */
        long latency(double share) {
            return latencies.length == 0
                    ? 0
                    : latencies[(int) Math.min(latencies.length - 1, latencies.length * share)];
        }
    }

    private final Plan plan;
    private final InetSocketAddress target;
    private final LongSupplier cpu;
    private final Random random = new Random(42);
    private final ByteBuffer bytes = ByteBuffer.allocateDirect(READ_BYTES);
    private final List<Connection> all = new ArrayList<>();
    private final ArrayDeque<Connection> free = new ArrayDeque<>();
    private final ArrayDeque<Long> due = new ArrayDeque<>();
    private long[] latencies = new long[1 << 16];
    private long answers;
    private long failures;
    private long nextDue;
    private int turn;
    private boolean counting;

    private Load(int port, Plan plan, LongSupplier cpu) {
        this.plan = plan;
        this.target = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
        this.cpu = cpu;
    }

    /** Sends for {@code warm} without counting and for {@code window} counting, both in nanoseconds. */
    static Seen run(int port, Plan plan, long warm, long window, LongSupplier cpu) throws IOException {
        return new Load(port, plan, cpu).run(warm, window);
    }

    private Seen run(long warm, long window) throws IOException {
        try (Selector selector = Selector.open()) {
            for (int i = 0; i < plan.connections(); i++) {
                all.add(new Connection(selector));
            }
            long begin = System.nanoTime() + warm;
            nextDue = System.nanoTime();
            free.addAll(all);
            if (plan.requestsPerSecond() == 0) {
                all.forEach(connection -> send(connection, System.nanoTime()));
                free.clear();
            }
            long end = begin + window;
            long cpuBefore = 0;
            long now = System.nanoTime();
            while (now < end) {
                if (!counting && now >= begin) {
                    counting = true;
                    begin = now;
                    end = begin + window;
                    cpuBefore = cpu.getAsLong();
                }
                if (plan.requestsPerSecond() > 0) {
                    sendDue(now);
                    selector.selectNow(this::ready);
                } else {
                    selector.select(this::ready, 100);
                }
                now = System.nanoTime();
            }
            long spent = cpu.getAsLong() - cpuBefore;
            long[] sorted = Arrays.copyOf(latencies, (int) Math.min(answers, latencies.length));
            Arrays.sort(sorted);
            return new Seen(answers, failures, now - begin, spent, sorted);
        } finally {
            for (Connection connection : all) {
                connection.close();
            }
        }
    }

    private void sendDue(long now) {
        while (nextDue <= now) {
            due.add(nextDue);
            nextDue += (long) (-Math.log(1 - random.nextDouble()) * 1e9 / plan.requestsPerSecond());
        }
        while (!due.isEmpty() && !free.isEmpty()) {
            send(free.poll(), due.poll());
        }
    }

    private void send(Connection connection, long since) {
        connection.since = since;
        byte[] request = plan.requests().get(turn);
        turn = (turn + 1) % plan.requests().size();
        try {
            connection.send(request);
        } catch (IOException broken) {
            fail(connection);
        }
    }

    private void ready(SelectionKey key) {
        Connection connection = (Connection) key.attachment();
        try {
            if (!connection.read()) {
                return;
            }
        } catch (IOException broken) {
            fail(connection);
            return;
        }
        long now = System.nanoTime();
        if (counting) {
            if (connection.status == 200) {
                record(now - connection.since);
            } else {
                failures++;
            }
        }
        if (plan.requestsPerSecond() == 0) {
            send(connection, now);
        } else {
            free.add(connection);
        }
    }

    private void record(long nanos) {
        if (answers == latencies.length && answers < 1 << 22) {
            latencies = Arrays.copyOf(latencies, latencies.length * 2);
        }
        if (answers < latencies.length) {
            latencies[(int) answers] = nanos;
        }
        answers++;
    }

    private void fail(Connection connection) {
        failures++;
        try {
            connection.reconnect();
            if (failures > 100_000) {
                throw new IOException("100,000 requests failed at " + target);
            }
            if (plan.requestsPerSecond() == 0) {
                send(connection, System.nanoTime());
            } else {
                free.add(connection);
            }
        } catch (IOException gone) {
            throw new UncheckedIOException(gone);
        }
    }

    /** One keep-alive connection. Knows an answer by its length, as all that is sent here has one. */
    private final class Connection {
        private final Selector selector;
        private final byte[] head = new byte[4096];
        private SocketChannel channel;
        private long since;
        private int headBytes;
        private long left;
        private boolean headDone;
        private int status;

        Connection(Selector selector) throws IOException {
            this.selector = selector;
            channel = connect();
        }

        private SocketChannel connect() throws IOException {
            SocketChannel fresh = SocketChannel.open(target);
            fresh.setOption(StandardSocketOptions.TCP_NODELAY, true);
            fresh.configureBlocking(false);
            fresh.register(selector, SelectionKey.OP_READ, this);
            return fresh;
        }

        void reconnect() throws IOException {
            channel.close();
            channel = connect();
        }

        void close() throws IOException {
            channel.close();
        }

        void send(byte[] request) throws IOException {
            headBytes = 0;
            headDone = false;
            bytes.clear();
            bytes.put(request).flip();
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        }

        /** Whether the answer is complete. */
        boolean read() throws IOException {
            bytes.clear();
            int read = channel.read(bytes);
            if (read < 0) {
                throw new IOException("closed");
            }
            if (headDone) {
                left -= read;
                return left == 0;
            }
            int taken = Math.min(read, head.length - headBytes);
            bytes.flip().get(head, headBytes, taken);
            int from = Math.max(0, headBytes - 3);
            headBytes += taken;
            for (int i = from; i + 3 < headBytes; i++) {
                if (head[i] == '\r' && head[i + 1] == '\n' && head[i + 2] == '\r' && head[i + 3] == '\n') {
                    headDone = true;
                    status = (head[9] - '0') * 100 + (head[10] - '0') * 10 + head[11] - '0';
                    left = length(i) - (headBytes - i - 4) - (read - taken);
                    return left == 0;
                }
            }
            return false;
        }

        private long length(int end) throws IOException {
            for (int i = 0; i < end; i++) {
                if (head[i] == '\n' && matches(i + 1)) {
                    long length = 0;
                    for (int j = i + 1 + LENGTH.length; head[j] != '\r'; j++) {
                        length = head[j] == ' ' ? length : length * 10 + head[j] - '0';
                    }
                    return length;
                }
            }
            throw new IOException("an answer without a length");
        }

        private boolean matches(int at) {
            for (int i = 0; i < LENGTH.length; i++) {
                if ((head[at + i] | 0x20) != (LENGTH[i] | 0x20)) {
                    return false;
                }
            }
            return true;
        }
    }
}
