package dev.postern.runtime.discovery;

import com.fasterxml.jackson.databind.JsonNode;
import dev.postern.Discovery;
import dev.postern.Endpoint;
import dev.postern.Request;
import dev.postern.TimeSource;
import dev.postern.UpstreamTls;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Follows the EndpointSlices of one service as the Kubernetes API concepts page tells clients to: list, then watch from the
 * list's resource version.
 *
 * <pre>
 *   list ── page after page ── told ── watch ──┬── event: told          ── (same watch)
 *    ▲                                         ├── bookmark: version    ── (same watch)
 *    │                                         ├── end of the answer    ── watch from the last version
 *    │                                         └── failure              ── back-off, watch from the last version
 *    └────────────── 410 Gone, as status or as event, and whatever cannot be understood
 * </pre>
 *
 * A service without any endpoint keeps those it had: between the last pod of one version and the first of the next there is
 * nobody to send requests to either way. Safe on any thread.
 */
final class KubernetesWatch implements Discovery.Watch {
    private static final Logger LOG = System.getLogger("dev.postern.discovery");
    /**
     * Slices in a page, which is one line: a slice has up to 1,000 endpoints (100 unless the cluster was told otherwise) of
     * some 400 bytes each.
     */
    private static final int PAGE = 8;

    private static final int WATCH_SECONDS = 290;
    /** Bookmarks come about once a minute; a watch without one for this long has lost its connection silently. */
    private static final Duration SILENCE = Duration.ofSeconds(WATCH_SECONDS + 30);

    private static final Duration LIST_SILENCE = Duration.ofSeconds(10);
    private static final Duration SHORTEST = Duration.ofMillis(100);
    private static final int GONE = 410;

    private final SourceServices services;
    private final Endpoint server;
    private final UpstreamTls tls;
    private final @Nullable Path tokenFile;
    private final String path;
    private final String source;
    private final Consumer<List<Endpoint>> listener;
    // Guarded by this, as is all below.
    private final Slices slices;
    private String version = "";
    private String nextPage = "";
    private List<Endpoint> told = List.of();
    private int failures;
    private int restarts;
    private boolean empty;
    private boolean stopped;
    // Which call the answers of are wanted; those of others come too late.
    private long turn;
    private LineCalls.@Nullable Call call;
    private TimeSource.@Nullable Timer timer;

    KubernetesWatch(
            SourceServices services,
            Endpoint server,
            UpstreamTls tls,
            @Nullable Path tokenFile,
            String path,
            Slices slices,
            String source,
            Consumer<List<Endpoint>> listener) {
        this.services = services;
        this.server = server;
        this.tls = tls;
        this.tokenFile = tokenFile;
        this.path = path;
        this.slices = slices;
        this.source = source;
        this.listener = listener;
    }

    KubernetesWatch start() {
        next();
        return this;
    }

    // ---- what to ask

    private void next() {
        long mine;
        boolean list;
        String query;
        synchronized (this) {
            if (stopped) {
                return;
            }
            timer = null;
            mine = ++turn;
            list = version.isEmpty();
            query = list
                    ? "&limit=" + PAGE + (nextPage.isEmpty() ? "" : "&continue=" + encoded(nextPage))
                    : "&watch=1&allowWatchBookmarks=true&timeoutSeconds=" + WATCH_SECONDS + "&resourceVersion="
                            + encoded(version);
        }
        Request request = Request.get(path + query).withHeader("Accept", "application/json");
        authorized(request, (ready, failure) -> {
            if (ready == null) {
                over(mine, failure);
            } else {
                open(mine, ready, list);
            }
        });
    }

    /** They are opaque to clients. */
    private static String encoded(String value) {
        return URLEncoder.encode(value, StandardCharsets.UTF_8);
    }

    private void open(long mine, Request request, boolean list) {
        LineCalls.Reader reader = list ? new ListReader(mine) : new WatchReader(mine);
        LineCalls.Call opened;
        try {
            opened = services.lineCalls().open(server, request, tls, list ? LIST_SILENCE : SILENCE, reader);
        } catch (RuntimeException refused) {
            // Nobody above would ask again.
            over(mine, refused);
            return;
        }
        boolean late;
        synchronized (this) {
            late = stopped || mine != turn;
            call = late ? call : opened;
        }
        if (late) {
            opened.stop();
        }
    }

    /** The token is read for each call: the kubelet exchanges it once an hour. */
    private void authorized(Request request, Authorized then) {
        Path file = tokenFile;
        if (file == null) {
            then.call(request, null);
            return;
        }
        Callable<Request> read = () -> request.withHeader(
                "Authorization",
                "Bearer " + Files.readString(file, StandardCharsets.UTF_8).strip());
        services.offload(read).whenComplete((ready, failure) -> {
            if (failure == null) {
                then.call(ready, null);
            } else {
                // Also when there is no token in it, or not yet: the kubelet may just be writing it.
                then.call(null, new IOException("its token " + file + " cannot be read", failure));
            }
        });
    }

    @FunctionalInterface
    private interface Authorized {
        void call(@Nullable Request request, @Nullable Throwable failure);
    }

    // ---- what was answered

    private final class ListReader implements LineCalls.Reader {
        private final long mine;
        private final StringBuilder document = new StringBuilder();
        private boolean tooLong;
        private int status;

        ListReader(long mine) {
            this.mine = mine;
        }

        @Override
        public void head(int newStatus) {
            status = newStatus;
        }

        @Override
        public void line(String text) {
            // As much as one line may have, so that an endless answer ends.
            tooLong |= document.length() + text.length() > LineCalls.MAX_LINE_BYTES;
            if (!tooLong) {
                document.append(text).append('\n');
            }
        }

        @Override
        public void end(@Nullable Throwable failure) {
            if (failure != null) {
                over(mine, failure);
            } else if (status == GONE) {
                restart(mine);
            } else if (status != 200) {
                over(mine, new IOException("it answered " + status));
            } else if (tooLong) {
                over(mine, new IOException("it answered with more than " + LineCalls.MAX_LINE_BYTES + " bytes"));
            } else {
                listed(mine, document.toString());
            }
        }
    }

    private synchronized void listed(long mine, String document) {
        if (stopped || mine != turn) {
            return;
        }
        JsonNode list;
        try {
            list = Json.read(document);
        } catch (IOException malformed) {
            over(mine, malformed);
            return;
        }
        String listVersion = list.path("metadata").path("resourceVersion").asText();
        if (!list.path("items").isArray() || listVersion.isEmpty()) {
            over(mine, new IOException("it answered without items or resourceVersion"));
            return;
        }
        if (nextPage.isEmpty()) {
            slices.clear();
        }
        list.path("items").forEach(slices::put);
        nextPage = list.path("metadata").path("continue").asText();
        if (nextPage.isEmpty()) {
            version = listVersion;
            tell();
            works();
        }
        again(nextPage.isEmpty() ? SHORTEST : Duration.ZERO);
    }

    private final class WatchReader implements LineCalls.Reader {
        private final long mine;
        private int status;
        private boolean broken;

        WatchReader(long mine) {
            this.mine = mine;
        }

        @Override
        public void head(int newStatus) {
            status = newStatus;
        }

        @Override
        public void line(String text) {
            if (status == 200 && !broken && !text.isBlank()) {
                broken = !event(mine, text);
            }
        }

        @Override
        public void end(@Nullable Throwable failure) {
            if (status == GONE || broken) {
                restart(mine);
            } else if (failure != null) {
                over(mine, failure);
            } else if (status != 200) {
                over(mine, new IOException("it answered " + status));
            } else {
                ended(mine);
            }
        }
    }

    /** Whether the watch can go on. */
    private synchronized boolean event(long mine, String text) {
        if (stopped || mine != turn) {
            return true;
        }
        JsonNode event;
        try {
            event = Json.read(text);
        } catch (IOException malformed) {
            return false;
        }
        JsonNode object = event.path("object");
        String newVersion = object.path("metadata").path("resourceVersion").asText();
        switch (event.path("type").asText()) {
            case "ADDED", "MODIFIED" -> slices.put(object);
            case "DELETED" -> slices.remove(object);
            case "BOOKMARK" -> {
                // Nothing but the version.
            }
            default -> {
                return false;
            }
        }
        if (newVersion.isEmpty()) {
            return false;
        }
        version = newVersion;
        restarts = 0;
        works();
        tell();
        return true;
    }

    private synchronized void ended(long mine) {
        if (!stopped && mine == turn) {
            again(SHORTEST);
        }
    }

    private synchronized void restart(long mine) {
        if (!stopped && mine == turn) {
            LOG.log(Level.DEBUG, source + " has forgotten version " + version + ": listing anew");
            version = "";
            nextPage = "";
            // Once is ordinary; a server that forgets again before it has told anything is not to be flooded.
            again(restarts == 0 ? SHORTEST : Backoff.after(restarts - 1, services.random()));
            restarts++;
        }
    }

    private synchronized void over(long mine, @Nullable Throwable failure) {
        if (stopped || mine != turn) {
            return;
        }
        if (failures == 0) {
            LOG.log(
                    Level.WARNING,
                    source + " cannot be followed: " + (failure == null ? "" : failure.getMessage())
                            + "; the endpoints known stay in use");
        }
        nextPage = "";
        again(Backoff.after(failures++, services.random()));
    }

    // ---- what follows

    private void tell() {
        List<Endpoint> endpoints = slices.endpoints();
        if (endpoints.isEmpty()) {
            if (!empty) {
                LOG.log(Level.WARNING, source + " names no endpoint; those known stay in use");
            }
            empty = true;
        } else if (!endpoints.equals(told)) {
            empty = false;
            told = endpoints;
            listener.accept(endpoints);
        }
    }

    private void works() {
        if (failures > 0) {
            LOG.log(Level.INFO, source + " can be followed again after " + failures + " failures");
        }
        failures = 0;
    }

    private void again(Duration delay) {
        turn++;
        timer = services.time().schedule(delay, this::next);
    }

    @Override
    public void stop() {
        LineCalls.Call open;
        synchronized (this) {
            stopped = true;
            open = call;
            if (timer != null) {
                timer.cancel();
            }
        }
        if (open != null) {
            open.stop();
        }
    }
}
