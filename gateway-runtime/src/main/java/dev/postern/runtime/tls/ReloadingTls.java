package dev.postern.runtime.tls;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.ApplicationProtocolNegotiator;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslHandler;
import io.vertx.core.Vertx;
import io.vertx.core.net.KeyCertOptions;
import io.vertx.core.net.SSLEngineOptions;
import io.vertx.core.spi.tls.SslContextFactory;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSessionContext;
import org.jspecify.annotations.Nullable;

/**
 * The TLS of a running listener: what Vert.x asks for a handler for each connection, and the one reference by which all
 * its servers change over to other certificates at the same moment.
 *
 * <p>Vert.x has a way of its own to exchange certificates. It finds contexts by certificate and trust alone, so that a
 * change from asking for client certificates to demanding them would be taken for no change.
 */
public final class ReloadingTls {
    private volatile ServerTls current;
    private final AtomicInteger judgement = new AtomicInteger();

    /** Begins with these certificates. */
    public ReloadingTls(ServerTls first) {
        current = first;
    }

    /** What is in force. */
    public ServerTls current() {
        return current;
    }

    /** Puts others in force, for handshakes that begin from now on. One caller at a time. */
    public void change(ServerTls next) {
        boolean otherwise = !next.judgesClientsLike(current);
        current = next;
        // Second: whoever sees the new number gets the new rules; the other way round is only one connection more.
        if (otherwise) {
            judgement.incrementAndGet();
        }
    }

    /**
     * Changes whenever clients are judged by other rules. A connection takes down the number before its handshake; when
     * that is not the number any more, nothing should be believed of it.
     */
    public int judgement() {
        return judgement.get();
    }

    /** For {@code HttpServerOptions}. */
    public SSLEngineOptions engine() {
        return new Engine(this);
    }

    /** For {@code HttpServerOptions}, which want to see a certificate. */
    public static KeyCertOptions placeholder() {
        return new Placeholder();
    }

    private static final class Placeholder implements KeyCertOptions {
        @Override
        public KeyCertOptions copy() {
            return this;
        }

        @Override
        @SuppressWarnings("NullAway") // Vert.x has no annotation; it takes null for "none"
        public KeyManagerFactory getKeyManagerFactory(Vertx vertx) {
            return null;
        }

        @Override
        @SuppressWarnings("NullAway") // as above
        public Function<String, KeyManagerFactory> keyManagerFactoryMapper(Vertx vertx) {
            return null;
        }
    }

    private static final class Engine extends SSLEngineOptions {
        private final ReloadingTls tls;

        Engine(ReloadingTls tls) {
            this.tls = tls;
        }

        @Override
        public SSLEngineOptions copy() {
            return this;
        }

        @Override
        public SslContextFactory sslContextFactory() {
            return new Factory(tls);
        }
    }

    /** Takes of all that Vert.x says the application protocols only; the rest is ours to say. */
    private static final class Factory implements SslContextFactory {
        private final ReloadingTls tls;
        private List<String> protocols = List.of();

        Factory(ReloadingTls tls) {
            this.tls = tls;
        }

        @Override
        public SslContextFactory applicationProtocols(@Nullable List<String> offered) {
            protocols = offered == null ? List.of() : List.copyOf(offered);
            return this;
        }

        @Override
        public SslContext create() throws SSLException {
            tls.current().context(protocols);
            return new Delegating(tls, protocols);
        }
    }

    /** A context that makes each handler with the certificates in force at that moment. */
    private static final class Delegating extends SslContext {
        private final ReloadingTls tls;
        private final List<String> protocols;

        Delegating(ReloadingTls tls, List<String> protocols) {
            this.tls = tls;
            this.protocols = protocols;
        }

        @Override
        protected SslHandler newHandler(ByteBufAllocator alloc, boolean startTls, Executor executor) {
            ServerTls now = tls.current();
            SslHandler handler = delegate(now).newHandler(alloc, executor);
            now.prepare(handler.engine());
            return handler;
        }

        @Override
        protected SslHandler newHandler(
                ByteBufAllocator alloc, String peerHost, int peerPort, boolean startTls, Executor executor) {
            // Host and port are for sessions that a client resumes.
            return newHandler(alloc, startTls, executor);
        }

        private SslContext delegate() {
            return delegate(tls.current());
        }

        private SslContext delegate(ServerTls now) {
            try {
                return now.context(protocols);
            } catch (SSLException unexpected) {
                throw new IllegalStateException("TLS that was good without application protocols is not", unexpected);
            }
        }

        @Override
        public boolean isClient() {
            return false;
        }

        @Override
        public List<String> cipherSuites() {
            return delegate().cipherSuites();
        }

        @Override
        @SuppressWarnings("deprecation") // the type is; the method of the class is what it is
        public ApplicationProtocolNegotiator applicationProtocolNegotiator() {
            return delegate().applicationProtocolNegotiator();
        }

        @Override
        public SSLEngine newEngine(ByteBufAllocator alloc) {
            return delegate().newEngine(alloc);
        }

        @Override
        public SSLEngine newEngine(ByteBufAllocator alloc, String peerHost, int peerPort) {
            return delegate().newEngine(alloc);
        }

        @Override
        public SSLSessionContext sessionContext() {
            return delegate().sessionContext();
        }
    }
}
