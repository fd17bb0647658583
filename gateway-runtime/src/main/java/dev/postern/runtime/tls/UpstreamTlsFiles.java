package dev.postern.runtime.tls;

import dev.postern.UpstreamTls;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.net.ClientSSLOptions;
import io.vertx.core.net.PemKeyCertOptions;
import io.vertx.core.net.PemTrustOptions;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * How endpoints are judged and what they are shown, with the files as they are now. They are looked at when a connection
 * is about to be made and the last look was longer ago than {@link UpstreamTls#reloadEvery}: no timer, and whoever makes
 * the first connection of the day makes it with the files of the day.
 *
 * <p>What is read is handed to Vert.x by its content, since it would take the same paths for the same certificates. Files
 * that cannot be used do not replace what could; the log says so, once for each state of the files. Safe on any thread.
 */
public final class UpstreamTlsFiles {
    private static final System.Logger LOG = System.getLogger(UpstreamTlsFiles.class.getName());
    /** More settings than any gateway has at a time: those of configs of long ago are forgotten, and read again if used. */
    private static final int MAX_KNOWN = 1000;

    private final Vertx vertx;
    private final Map<UpstreamTls, Held> known = new ConcurrentHashMap<>();

    /** Reads no file yet. */
    public UpstreamTlsFiles(Vertx vertx) {
        this.vertx = vertx;
    }

    /** In Vert.x's words; a copy. Completes at once unless files have to be looked at; fails when they were never usable. */
    public Future<ClientSSLOptions> current(UpstreamTls tls) {
        if (tls.trust() == null && tls.certificate() == null) {
            return Future.succeededFuture(plain(tls));
        }
        Held held = known.get(tls);
        if (held == null) {
            if (known.size() >= MAX_KNOWN) {
                known.clear();
            }
            held = known.computeIfAbsent(tls, Held::new);
        }
        return held.current().map(ClientSSLOptions::copy);
    }

    private static ClientSSLOptions plain(UpstreamTls tls) {
        return tls.insecure()
                ? new ClientSSLOptions().setTrustAll(true).setHostnameVerificationAlgorithm("")
                : new ClientSSLOptions().setHostnameVerificationAlgorithm("HTTPS");
    }

    private record Read(ClientSSLOptions options, String fingerprint) {}

    /** What was made of the files of one setting. */
    private final class Held {
        private final UpstreamTls tls;
        private final List<Path> files = new ArrayList<>();
        // Written by the one look at a time.
        private volatile @Nullable Read read;
        private volatile long lookedNanos;
        private volatile String unusable = "";
        // Guarded by this.
        private @Nullable Future<ClientSSLOptions> look;

        Held(UpstreamTls tls) {
            this.tls = tls;
            for (Path file : new Path[] {tls.trust(), tls.certificate(), tls.key()}) {
                if (file != null) {
                    files.add(file);
                }
            }
        }

        Future<ClientSSLOptions> current() {
            Read mine = read;
            if (mine != null
                    && System.nanoTime() - lookedNanos < tls.reloadEvery().toNanos()) {
                return Future.succeededFuture(mine.options);
            }
            synchronized (this) {
                Future<ClientSSLOptions> running = look;
                if (running == null) {
                    running = vertx.executeBlocking(this::look, false);
                    look = running;
                    running.onComplete(done -> {
                        synchronized (this) {
                            look = null;
                        }
                    });
                }
                return running;
            }
        }

        /** One at a time, on a worker thread; without the lock, which event loops take. */
        private ClientSSLOptions look() throws PemException {
            String fingerprint = Fingerprint.of(files);
            Read before = read;
            boolean same = before != null && fingerprint.equals(before.fingerprint);
            if (before == null || !(same || fingerprint.equals(unusable))) {
                try {
                    ClientSSLOptions options = read();
                    if (!fingerprint.equals(Fingerprint.of(files))) {
                        throw new PemException("files change while they are read");
                    }
                    read = new Read(options, fingerprint);
                    unusable = "";
                    if (before != null) {
                        LOG.log(Level.INFO, "certificates for upstreams reloaded ({0})", tls);
                    }
                } catch (PemException bad) {
                    if (before == null) {
                        throw bad;
                    }
                    unusable = fingerprint;
                    LOG.log(Level.WARNING, "{0}: {1}; what was read before stays in force", tls, bad.getMessage());
                }
            }
            lookedNanos = System.nanoTime();
            Read now = read;
            if (now == null) {
                throw new IllegalStateException("nothing was read of " + tls);
            }
            return now.options;
        }

        private ClientSSLOptions read() throws PemException {
            ClientSSLOptions options = plain(tls);
            Path trust = tls.trust();
            if (trust != null && !tls.insecure()) {
                PemFiles.certificates("trust", trust);
                options.setTrustOptions(new PemTrustOptions().addCertValue(content(trust)));
            }
            Path certificate = tls.certificate();
            Path key = tls.key();
            if (certificate != null && key != null) {
                PemFiles.credential(certificate, key);
                options.setKeyCertOptions(new PemKeyCertOptions()
                        .addCertValue(content(certificate))
                        .addKeyValue(content(key)));
            }
            return options;
        }

        private Buffer content(Path file) throws PemException {
            try {
                return Buffer.buffer(Files.readAllBytes(file));
            } catch (IOException unreadable) {
                throw new PemException(file + " cannot be read: " + unreadable);
            }
        }
    }
}
