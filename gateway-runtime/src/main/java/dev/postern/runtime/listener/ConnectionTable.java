package dev.postern.runtime.listener;

import dev.postern.ClientInfo;
import dev.postern.runtime.reply.HttpReply;
import io.vertx.core.http.HttpConnection;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** The open connections of a listener on one loop. On that loop only, but for the counts. */
final class ConnectionTable {
    private final Map<HttpConnection, Entry> entries = new IdentityHashMap<>();
    // Read by drains from other threads.
    private final AtomicInteger busy = new AtomicInteger();
    private final AtomicInteger open = new AtomicInteger();
    private final AtomicLong requests = new AtomicLong();
    private final AtomicLong lastNanos = new AtomicLong(System.nanoTime());

    /** One connection. */
    final class Entry implements HttpReply.Fate {
        private final HttpConnection connection;
        private final Arrival arrival;
        private @Nullable ClientInfo client;
        private long quietSinceNanos = System.nanoTime();
        private int inFlight;
        private boolean gone;
        private boolean closing;
        private @Nullable Http2Guard guard;

        Entry(HttpConnection connection, Arrival arrival) {
            this.connection = connection;
            this.arrival = arrival;
        }

        ClientInfo client() {
            ClientInfo known = client;
            if (known == null) {
                known = arrival.client();
                client = known;
            }
            return known;
        }

        Arrival arrival() {
            return arrival;
        }

        /** HTTP/2 on a listener with guards. */
        void guard(@Nullable Http2Guard its) {
            guard = its;
        }

        @Nullable
        Http2Guard guard() {
            return guard;
        }

        @Override
        public boolean isToldElsewhere() {
            Http2Guard mine = guard;
            if (mine != null) {
                mine.drain();
            }
            return mine != null;
        }

        void begin() {
            // Nobody else writes.
            requests.lazySet(requests.get() + 1);
            if (inFlight++ == 0) {
                busy.incrementAndGet();
            }
        }

        @Override
        public void closing() {
            closing = true;
        }

        /** Whether the last answer has been given: what comes now is no request any more. */
        boolean isClosing() {
            return closing;
        }

        @Override
        public void kept() {
            if (!gone && inFlight > 0 && --inFlight == 0) {
                quietSinceNanos = System.nanoTime();
                lastNanos.lazySet(quietSinceNanos);
                busy.decrementAndGet();
            }
        }

        @Override
        public void closed() {
            gone = true;
            if (inFlight > 0) {
                inFlight = 0;
                busy.decrementAndGet();
            }
        }

        @Override
        public void tunnelClosed() {
            ConnectionTable.this.closed(connection);
        }
    }

    Entry opened(HttpConnection connection, Arrival arrival) {
        Entry entry = new Entry(connection, arrival);
        entries.put(connection, entry);
        lastNanos.lazySet(entry.quietSinceNanos);
        open.incrementAndGet();
        return entry;
    }

    void closed(HttpConnection connection) {
        Entry entry = entries.remove(connection);
        if (entry != null) {
            entry.closed();
            open.decrementAndGet();
        }
    }

    @Nullable
    Entry find(HttpConnection connection) {
        return entries.get(connection);
    }

    /** Connections with a request under way. */
    int busy() {
        return busy.get();
    }

    int open() {
        return open.get();
    }

    /** Requests since the start. */
    long requests() {
        return requests.get();
    }

    /** Whether no request is under way, and none has ended and no connection has come for this long. */
    boolean isQuiet(long nanos) {
        return busy.get() == 0 && System.nanoTime() - lastNanos.get() >= nanos;
    }

    /** Closes those without a request for this long. */
    void closeQuiet(long nanos) {
        long now = System.nanoTime();
        List<HttpConnection> quiet = new ArrayList<>();
        entries.forEach((connection, entry) -> {
            if (entry.inFlight == 0 && now - entry.quietSinceNanos >= nanos) {
                quiet.add(connection);
            }
        });
        quiet.forEach(HttpConnection::close);
    }

    void closeAll() {
        new ArrayList<>(entries.keySet()).forEach(HttpConnection::close);
    }
}
