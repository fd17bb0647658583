package dev.postern;

import java.time.Duration;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What a listener puts up with. The defaults are meant for the open internet. Immutable; each method gives a changed copy. */
public final class Limits {
    private static final Limits DEFAULT = new Limits(new Draft());

    private final int maxTargetBytes;
    private final int maxHeadBytes;
    private final int maxHeaders;
    private final int maxConnections;
    private final int maxConnectionsPerClient;
    private final int maxNewConnectionsPerClient;
    private final Duration handshakeTimeout;
    private final int maxStreams;
    private final int maxStreamResets;
    private final int maxControlFrames;
    private final Duration headTimeout;
    private final int minBodyRate;
    private final Duration bodyRateWindow;
    private final Duration keepAlive;
    private final Duration writeTimeout;

    private Limits(Draft draft) {
        maxTargetBytes = draft.maxTargetBytes;
        maxHeadBytes = draft.maxHeadBytes;
        maxHeaders = draft.maxHeaders;
        maxConnections = draft.maxConnections;
        maxConnectionsPerClient = draft.maxConnectionsPerClient;
        maxNewConnectionsPerClient = draft.maxNewConnectionsPerClient;
        handshakeTimeout = draft.handshakeTimeout;
        maxStreams = draft.maxStreams;
        maxStreamResets = draft.maxStreamResets;
        maxControlFrames = draft.maxControlFrames;
        headTimeout = draft.headTimeout;
        minBodyRate = draft.minBodyRate;
        bodyRateWindow = draft.bodyRateWindow;
        keepAlive = draft.keepAlive;
        writeTimeout = draft.writeTimeout;
    }

    /** The values of the next one, while one of them is changed. */
    private static final class Draft {
        private int maxTargetBytes = 8 * 1024;
        private int maxHeadBytes = 16 * 1024;
        private int maxHeaders = 100;
        private int maxConnections = 10_000;
        private int maxConnectionsPerClient = 2_500;
        private int maxNewConnectionsPerClient = 1_000;
        private Duration handshakeTimeout = Duration.ofSeconds(10);
        private int maxStreams = 100;
        private int maxStreamResets = 100;
        private int maxControlFrames = 200;
        private Duration headTimeout = Duration.ofSeconds(10);
        private int minBodyRate = 1024;
        private Duration bodyRateWindow = Duration.ofSeconds(10);
        private Duration keepAlive = Duration.ofSeconds(75);
        private Duration writeTimeout = Duration.ofSeconds(30);

        Draft() {}

        Draft(Limits from) {
            maxTargetBytes = from.maxTargetBytes;
            maxHeadBytes = from.maxHeadBytes;
            maxHeaders = from.maxHeaders;
            maxConnections = from.maxConnections;
            maxConnectionsPerClient = from.maxConnectionsPerClient;
            maxNewConnectionsPerClient = from.maxNewConnectionsPerClient;
            handshakeTimeout = from.handshakeTimeout;
            maxStreams = from.maxStreams;
            maxStreamResets = from.maxStreamResets;
            maxControlFrames = from.maxControlFrames;
            headTimeout = from.headTimeout;
            minBodyRate = from.minBodyRate;
            bodyRateWindow = from.bodyRateWindow;
            keepAlive = from.keepAlive;
            writeTimeout = from.writeTimeout;
        }
    }

    private Limits with(Consumer<Draft> change) {
        Draft draft = new Draft(this);
        change.accept(draft);
        return new Limits(draft);
    }

    /** The defaults. */
    public static Limits standard() {
        return DEFAULT;
    }

    /** The longest request line in bytes, 256 to 65,536; the default is 8 KiB, then 414. */
    public Limits maxTargetBytes(int bytes) {
        return with(draft -> draft.maxTargetBytes = range("maxTargetBytes", bytes, 256, 65_536));
    }

    /** The largest head in bytes, 1,024 to 262,144; the default is 16 KiB, then 431. */
    public Limits maxHeadBytes(int bytes) {
        return with(draft -> draft.maxHeadBytes = range("maxHeadBytes", bytes, 1024, 262_144));
    }

    /** The most header lines, 8 to 1,000; the default is 100, then 431. */
    public Limits maxHeaders(int count) {
        return with(draft -> draft.maxHeaders = range("maxHeaders", count, 8, 1000));
    }

    /** The most open connections of the listener, 1 or more; the default is 10,000, more are closed at once. */
    public Limits maxConnections(int count) {
        return with(draft -> draft.maxConnections = range("maxConnections", count, 1, Integer.MAX_VALUE));
    }

    /**
     * The most open connections of one client, 1 or more; the default is 2,500, more are closed at once. A client is an
     * IPv4 address or the first 64 bits of an IPv6 address; trusted proxies are none.
     */
    public Limits maxConnectionsPerClient(int count) {
        return with(
                draft -> draft.maxConnectionsPerClient = range("maxConnectionsPerClient", count, 1, Integer.MAX_VALUE));
    }

    /**
     * The most connections that one client may open in a second, 1 to 1,000,000, and as many at one moment; the default is
     * 1,000, more are closed at once. Each of them costs us a TLS handshake.
     */
    public Limits maxNewConnectionsPerClient(int perSecond) {
        return with(draft ->
                draft.maxNewConnectionsPerClient = range("maxNewConnectionsPerClient", perSecond, 1, 1_000_000));
    }

    /**
     * From the accepting of a connection to the end of its TLS handshake, more than zero; the default is 10 seconds, then
     * it is closed. However slowly the bytes come: a handshake costs us more than it costs the client.
     */
    public Limits handshakeTimeout(Duration time) {
        return with(draft -> draft.handshakeTimeout = Durations.positive("handshakeTimeout", time));
    }

    /**
     * The most requests at a time on one HTTP/2 connection, 1 to 1,000; the default is 100, as RFC 9113 6.5.2 recommends and
     * browsers expect. More are refused in a way that lets the client send them again.
     */
    public Limits maxStreams(int count) {
        return with(draft -> draft.maxStreams = range("maxStreams", count, 1, 1000));
    }

    /**
     * The most HTTP/2 streams that a connection may cancel, or make us cancel, in 30 seconds, 10 to 100,000; the default is
     * 100, enough for somebody who leaves a page that is loading. Each request that is completed allows one more, each
     * malformed one counts for a tenth of all. Past it the connection ends: cancelling costs a client next to nothing, and
     * us the work that was begun (CVE-2023-44487, CVE-2025-55163).
     */
    public Limits maxStreamResets(int count) {
        return with(draft -> draft.maxStreamResets = range("maxStreamResets", count, 10, 100_000));
    }

    /**
     * The most HTTP/2 frames in a second that carry nothing of a message (PING, SETTINGS, PRIORITY, WINDOW_UPDATE, empty and
     * unknown ones), five times as many at once, 10 to 100,000; the default is 200. Content that is sent and requests that
     * are completed allow more, as window has to be given for them. Past it the connection ends: such frames only keep us
     * busy (CVE-2019-9512 to 9518).
     */
    public Limits maxControlFrames(int perSecond) {
        return with(draft -> draft.maxControlFrames = range("maxControlFrames", perSecond, 10, 100_000));
    }

    /** From the first byte of a head to its last, more than zero; the default is 10 seconds, then 408. */
    public Limits headTimeout(Duration time) {
        return with(draft -> draft.headTimeout = Durations.positive("headTimeout", time));
    }

    /**
     * The slowest pace of a request body in bytes a second, 1 to 1,000,000,000, on average of {@link #bodyRateWindow}; the
     * default is 1,024, then 408. Counted is the time in which the gateway waits for the client: a slow upstream is not
     * the client's fault. A body that drips holds an exchange and perhaps a connection to an upstream, at next to no cost
     * for who sends it. Not for gRPC calls, WebSockets and routes that are streaming: there a client may have nothing to
     * say for long.
     */
    public Limits minBodyRate(int bytesPerSecond) {
        return with(draft -> draft.minBodyRate = range("minBodyRate", bytesPerSecond, 1, 1_000_000_000));
    }

    /** Request bodies at any pace: only {@link Route#idleTimeout} and {@link Route#timeout} bound them. */
    public Limits withoutMinBodyRate() {
        return with(draft -> draft.minBodyRate = 0);
    }

    /**
     * What {@link #minBodyRate} is the average of, more than zero; the default is 10 seconds. So long a body may pause once
     * it flows; one that has just begun, half as long more.
     */
    public Limits bodyRateWindow(Duration time) {
        return with(draft -> draft.bodyRateWindow = Durations.positive("bodyRateWindow", time));
    }

    /** How long a connection may stay open without a request, more than zero; the default is 75 seconds. */
    public Limits keepAlive(Duration time) {
        return with(draft -> draft.keepAlive = Durations.positive("keepAlive", time));
    }

    /** How long a client may take no byte of a response that is ready, more than zero; the default is 30 seconds. */
    public Limits writeTimeout(Duration time) {
        return with(draft -> draft.writeTimeout = Durations.positive("writeTimeout", time));
    }

    /** The longest request line in bytes. */
    public int maxTargetBytes() {
        return maxTargetBytes;
    }

    /** The largest head in bytes. */
    public int maxHeadBytes() {
        return maxHeadBytes;
    }

    /** The most header lines. */
    public int maxHeaders() {
        return maxHeaders;
    }

    /** The most open connections. */
    public int maxConnections() {
        return maxConnections;
    }

    /** The most open connections of one client. */
    public int maxConnectionsPerClient() {
        return maxConnectionsPerClient;
    }

    /** The most connections of one client in a second. */
    public int maxNewConnectionsPerClient() {
        return maxNewConnectionsPerClient;
    }

    /** The bound on handshakes. */
    public Duration handshakeTimeout() {
        return handshakeTimeout;
    }

    /** The most requests at a time on an HTTP/2 connection. */
    public int maxStreams() {
        return maxStreams;
    }

    /** The most HTTP/2 streams cancelled in 30 seconds. */
    public int maxStreamResets() {
        return maxStreamResets;
    }

    /** The most HTTP/2 frames in a second that carry nothing of a message. */
    public int maxControlFrames() {
        return maxControlFrames;
    }

    /** The bound on receiving a head. */
    public Duration headTimeout() {
        return headTimeout;
    }

    /** The slowest pace of request bodies in bytes a second; 0 for any. */
    public int minBodyRate() {
        return minBodyRate;
    }

    /** What the pace is the average of. */
    public Duration bodyRateWindow() {
        return bodyRateWindow;
    }

    /** The bound on idle connections. */
    public Duration keepAlive() {
        return keepAlive;
    }

    /** The bound on clients that do not read. */
    public Duration writeTimeout() {
        return writeTimeout;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Limits that
                && that.maxTargetBytes == maxTargetBytes
                && that.maxHeadBytes == maxHeadBytes
                && that.maxHeaders == maxHeaders
                && that.maxConnections == maxConnections
                && that.maxConnectionsPerClient == maxConnectionsPerClient
                && that.maxNewConnectionsPerClient == maxNewConnectionsPerClient
                && that.handshakeTimeout.equals(handshakeTimeout)
                && that.maxStreams == maxStreams
                && that.maxStreamResets == maxStreamResets
                && that.maxControlFrames == maxControlFrames
                && that.headTimeout.equals(headTimeout)
                && that.minBodyRate == minBodyRate
                && that.bodyRateWindow.equals(bodyRateWindow)
                && that.keepAlive.equals(keepAlive)
                && that.writeTimeout.equals(writeTimeout);
    }

    @Override
    public int hashCode() {
        return Objects.hash(
                maxTargetBytes,
                maxHeadBytes,
                maxHeaders,
                maxConnections,
                maxStreams,
                maxStreamResets,
                maxControlFrames,
                headTimeout,
                minBodyRate,
                keepAlive,
                writeTimeout);
    }

    /** All of them: {@code target 8192 B, head 16384 B, 100 headers, 10000 connections, …}. */
    @Override
    public String toString() {
        return "target " + maxTargetBytes + " B, head " + maxHeadBytes + " B, " + maxHeaders + " headers, "
                + maxConnections + " connections, head within " + headTimeout + ", idle for " + keepAlive
                + ", reads within " + writeTimeout;
    }

    private static int range(String name, int value, int min, int max) {
        if (value < min || value > max) {
            throw new IllegalArgumentException(name + ": " + value + " (expected: " + min + " to " + max + ")");
        }
        return value;
    }
}
