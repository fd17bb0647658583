package dev.postern.runtime.listener;

import dev.postern.runtime.tls.TlsEngine;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;

/**
 * Sees a TLS connection through its handshake, within one time for all of it however slowly its bytes come, and leaves.
 *
 * <p>Vert.x builds the pipeline when the connection is registered, so this handler, added before that, finds the handler
 * for TLS when it is registered.
 */
@SuppressWarnings("FutureReturnValueIgnored") // the future of close(): nobody waits for it
final class Doorstep extends ChannelInboundHandlerAdapter {
    private final Arrival arrival;
    private final Duration timeout;
    private final Consumer<Reason> refused;
    private boolean tooLate;

    private Doorstep(Arrival arrival, Duration timeout, Consumer<Reason> refused) {
        this.arrival = arrival;
        this.timeout = timeout;
        this.refused = refused;
    }

    /**
     * Prepares a connection that is accepted and not yet registered.
     *
     * @param refused is told why there was no handshake, on the connection's loop
     */
    static void install(Channel child, Arrival arrival, Duration timeout, Consumer<Reason> refused) {
        child.pipeline().addFirst(new Doorstep(arrival, timeout, refused));
    }

    @Override
    public void channelRegistered(ChannelHandlerContext ctx) {
        ctx.fireChannelRegistered();
        SslHandler tls = ctx.pipeline().get(SslHandler.class);
        if (tls == null) {
            // The server has not taken the connection, as when it is being closed: nobody would ever answer here.
            ctx.close();
            return;
        }
        Runnable end = () -> {
            tooLate = true;
            refused.accept(Reason.TLS_TIMEOUT);
            ctx.channel().close();
        };
        Future<?> late = ctx.executor().schedule(end, timeout.toNanos(), TimeUnit.NANOSECONDS);
        if (arrival.isTrial()) {
            tls.engine().setNeedClientAuth(false);
            tls.engine().setWantClientAuth(false);
        }
        tls.handshakeFuture().addListener(done -> {
            late.cancel(false);
            if (done.isSuccess()) {
                arrival.secured(tls.engine().getSession());
                refuseRenegotiation(tls.engine());
            } else if (!tooLate && done.cause() instanceof SSLException) {
                // Not who merely went away: load balancers look whether the port is open.
                refused.accept(Reason.TLS_HANDSHAKE);
            }
        });
        ctx.pipeline().remove(this);
    }

    /**
     * A client of TLS 1.2 may begin another handshake within the first (T102): work for us, and a certificate that nobody
     * looks at. BoringSSL refuses; the JDK has a switch for the whole process only. But an engine that may speak TLS 1.3
     * alone cannot begin another handshake of TLS 1.2.
     */
    private static void refuseRenegotiation(SSLEngine engine) {
        if (!TlsEngine.isNative() && "TLSv1.2".equals(engine.getSession().getProtocol())) {
            engine.setEnabledProtocols(new String[] {"TLSv1.3"});
        }
    }
}
