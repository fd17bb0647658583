package dev.postern.runtime.listener;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.ssl.AbstractSniHandler;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Puts the {@link ByteGuard} into the pipeline of a fresh connection: behind TLS, before the decoder, before the first
 * byte.
 *
 * <pre>
 *   cleartext                   [guard] decoder encoder … handler
 *   TLS            ssl [guard] handshaker …  →  ssl [guard] decoder encoder … handler
 *   PROXY head     proxy idle completion [this] …  →  … [guard] decoder, or … ssl [guard] …
 * </pre>
 *
 * <p>Vert.x builds the pipeline when the connection is registered, so this handler, added before that, looks at it as
 * soon as it is registered. Only behind a PROXY head the rest is built later: then it waits as the last handler and looks
 * again at the first byte that gets there.
 */
final class GuardInstaller extends ChannelInboundHandlerAdapter {

    private final ByteGuard guard;

    private GuardInstaller(ByteGuard guard) {
        this.guard = guard;
    }

    /** Prepares a connection that is accepted and not yet registered. */
    static void install(Channel child, ByteGuard guard) {
        child.pipeline().addFirst(new GuardInstaller(guard));
    }

    @Override
    public void channelRegistered(ChannelHandlerContext ctx) {
        ChannelPipeline pipeline = ctx.pipeline();
        ctx.fireChannelRegistered();
        if (!place(pipeline)) {
            pipeline.addLast(new Waiting(guard));
        }
        pipeline.remove(this);
    }

    private boolean place(ChannelPipeline pipeline) {
        ChannelHandlerContext tls = tls(pipeline);
        if (tls != null) {
            pipeline.addAfter(tls.name(), null, guard);
            return true;
        }
        ChannelHandlerContext decoder = pipeline.context(HttpRequestDecoder.class);
        if (decoder != null) {
            pipeline.addBefore(decoder.name(), null, guard);
            return true;
        }
        return false;
    }

    private static @Nullable ChannelHandlerContext tls(ChannelPipeline pipeline) {
        // With SNI the TLS handler replaces the SNI handler later, in its place.
        ChannelHandlerContext tls = pipeline.context(SslHandler.class);
        return tls != null ? tls : pipeline.context(AbstractSniHandler.class);
    }

    /** Behind the PROXY decoder: everything that Vert.x adds later comes behind it, TLS too. */
    @SuppressWarnings("FutureReturnValueIgnored") // the future of close(): nobody waits for it
    private static final class Waiting extends ChannelInboundHandlerAdapter {

        private final ByteGuard guard;
        private @Nullable Future<?> silence;

        Waiting(ByteGuard guard) {
            this.guard = guard;
        }

        @Override
        public void handlerAdded(ChannelHandlerContext ctx) {
            silence = ctx.executor()
                    .schedule((Runnable) ctx::close, guard.idleTimeout().toNanos(), TimeUnit.NANOSECONDS);
        }

        @Override
        public void handlerRemoved(ChannelHandlerContext ctx) {
            if (silence != null) {
                silence.cancel(false);
            }
        }

        @Override
        public void channelRead(ChannelHandlerContext ctx, Object msg) {
            ChannelPipeline pipeline = ctx.pipeline();
            ChannelHandlerContext tls = tls(pipeline);
            // Without TLS right here; the guard checks that the decoder is behind it, and lets nothing pass if not.
            pipeline.addAfter(tls == null ? ctx.name() : tls.name(), null, guard);
            ctx.fireChannelRead(msg);
            pipeline.remove(this);
        }
    }
}
