package dev.postern.runtime.listener;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFactory;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.ServerChannel;
import io.netty.channel.socket.DatagramChannel;
import io.netty.channel.socket.InternetProtocolFamily;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.ThreadingModel;
import io.vertx.core.datagram.DatagramSocketOptions;
import io.vertx.core.http.HttpServer;
import io.vertx.core.internal.CloseFuture;
import io.vertx.core.internal.ContextBuilder;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.EventExecutor;
import io.vertx.core.internal.VertxInternal;
import io.vertx.core.internal.VertxWrapper;
import io.vertx.core.internal.WorkerPool;
import io.vertx.core.internal.http.HttpServerInternal;
import io.vertx.core.json.JsonObject;
import io.vertx.core.net.SocketAddress;
import io.vertx.core.net.TcpConfig;
import io.vertx.core.spi.context.storage.AccessMode;
import io.vertx.core.spi.context.storage.ContextLocal;
import io.vertx.core.spi.tracing.VertxTracer;
import io.vertx.core.spi.transport.Transport;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ThreadFactory;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Makes a Vert.x HTTP server listen so that each accepted connection passes our hands before Vert.x knows of it.
 *
 * <p>Vert.x has no place for that. But it takes the server channel from the transport of the <em>context</em> it listens
 * on, and all three types are in packages that its module exports: so the server listens on a context whose owner is the
 * same {@code Vertx} with another transport, and that transport differs in one method only, the one that makes server
 * channels. Works the same with a Vertx of ours and a borrowed one, which is not changed in any way.
 *
 * <p>Several servers may share one port, each on its own event loop: the first one binds, and only its hook is used.
 */
final class ListenHook {

    /** Sees connections on the acceptor thread, before they are registered with an event loop. */
    @FunctionalInterface
    interface Accept {
        /** Prepares the pipeline of {@code child}; false closes the connection at once, without an answer. */
        boolean accept(Channel child);

        /** Is given the server's channel before it is bound; closing it ends the accepting and nothing else. */
        default void listening(ServerChannel channel) {}
    }

    private ListenHook() {}

    /** Listens on the event loop of {@code loop}. The server must have its handlers. */
    static Future<HttpServer> listen(ContextInternal loop, HttpServer server, SocketAddress address, Accept accept) {
        VertxInternal owner = loop.owner();
        HookedVertx hooked = new HookedVertx(owner, new HookedTransport(owner.transport(), accept));
        return ((HttpServerInternal) server).listen(new HookedContext(loop, hooked), address);
    }

    private static final class Acceptor extends ChannelInboundHandlerAdapter {

        private final Accept accept;

        Acceptor(Accept accept) {
            this.accept = accept;
        }

        @Override
        public void channelRead(ChannelHandlerContext ctx, Object msg) {
            Channel child = (Channel) msg;
            boolean accepted = false;
            try {
                accepted = accept.accept(child);
            } finally {
                if (!accepted) {
                    // Not yet registered: there is no event loop that close() could run on.
                    child.unsafe().closeForcibly();
                }
            }
            if (accepted) {
                ctx.fireChannelRead(child);
            }
        }
    }

    private static final class HookedVertx extends VertxWrapper {

        private final Transport transport;

        HookedVertx(VertxInternal delegate, Transport transport) {
            super(delegate);
            this.transport = transport;
        }

        @Override
        public Transport transport() {
            return transport;
        }
    }

    private static final class HookedTransport implements Transport {

        private final Transport delegate;
        private final Accept accept;

        HookedTransport(Transport delegate, Accept accept) {
            this.delegate = delegate;
            this.accept = accept;
        }

        @Override
        public ChannelFactory<? extends ServerChannel> serverChannelFactory(boolean domainSocket) {
            ChannelFactory<? extends ServerChannel> factory = delegate.serverChannelFactory(domainSocket);
            return (ChannelFactory<ServerChannel>) () -> {
                ServerChannel channel = factory.newChannel();
                channel.pipeline().addFirst(new Acceptor(accept));
                accept.listening(channel);
                return channel;
            };
        }

        @Override
        public boolean supportsDomainSockets() {
            return delegate.supportsDomainSockets();
        }

        @Override
        public boolean supportFileRegion() {
            return delegate.supportFileRegion();
        }

        @Override
        public boolean isAvailable() {
            return delegate.isAvailable();
        }

        @Override
        @SuppressWarnings("NullAway") // null: there is no such cause; Vert.x has no annotation for it
        public Throwable unavailabilityCause() {
            return delegate.unavailabilityCause();
        }

        @Override
        public java.net.SocketAddress convert(SocketAddress address) {
            return delegate.convert(address);
        }

        @Override
        public SocketAddress convert(java.net.SocketAddress address) {
            return delegate.convert(address);
        }

        @Override
        public IoHandlerFactory ioHandlerFactory() {
            return delegate.ioHandlerFactory();
        }

        @Override
        public EventLoopGroup eventLoopGroup(int type, int threads, ThreadFactory threadFactory, int ioRatio) {
            return delegate.eventLoopGroup(type, threads, threadFactory, ioRatio);
        }

        @Override
        @SuppressWarnings("deprecation") // the type is; the method of the interface is what it is
        public DatagramChannel datagramChannel(InternetProtocolFamily family) {
            return delegate.datagramChannel(family);
        }

        @Override
        public ChannelFactory<? extends DatagramChannel> datagramChannelFactory() {
            return delegate.datagramChannelFactory();
        }

        @Override
        public ChannelFactory<? extends Channel> channelFactory(boolean domainSocket) {
            return delegate.channelFactory(domainSocket);
        }

        @Override
        public void configure(DatagramChannel channel, DatagramSocketOptions options) {
            delegate.configure(channel, options);
        }

        @Override
        public void configure(TcpConfig config, boolean domainSocket, Bootstrap bootstrap) {
            delegate.configure(config, domainSocket, bootstrap);
        }

        @Override
        public void configure(TcpConfig config, boolean domainSocket, ServerBootstrap bootstrap) {
            delegate.configure(config, domainSocket, bootstrap);
        }
    }

    /** The event loop's own context in all but its owner. Contexts of requests are duplicates of the real one. */
    private static final class HookedContext implements ContextInternal {

        private final ContextInternal delegate;
        private final VertxInternal owner;

        HookedContext(ContextInternal delegate, VertxInternal owner) {
            this.delegate = delegate;
            this.owner = owner;
        }

        @Override
        public VertxInternal owner() {
            return owner;
        }

        @Override
        public EventExecutor executor() {
            return delegate.executor();
        }

        @Override
        public EventExecutor eventLoop() {
            return delegate.eventLoop();
        }

        @Override
        public EventLoop nettyEventLoop() {
            return delegate.nettyEventLoop();
        }

        @Override
        public WorkerPool workerPool() {
            return delegate.workerPool();
        }

        @Override
        public boolean inThread() {
            return delegate.inThread();
        }

        @Override
        public <T> void emit(T argument, Handler<T> task) {
            delegate.emit(argument, task);
        }

        @Override
        public void execute(Runnable task) {
            delegate.execute(task);
        }

        @Override
        public <T> void execute(T argument, Handler<T> task) {
            delegate.execute(argument, task);
        }

        @Override
        public ContextInternal beginDispatch() {
            return delegate.beginDispatch();
        }

        @Override
        public void endDispatch(ContextInternal previous) {
            delegate.endDispatch(previous);
        }

        @Override
        public void reportException(Throwable failure) {
            delegate.reportException(failure);
        }

        @Override
        public ConcurrentMap<Object, Object> contextData() {
            return delegate.contextData();
        }

        @Override
        public ClassLoader classLoader() {
            return delegate.classLoader();
        }

        @Override
        @SuppressWarnings("rawtypes") // as declared by Vert.x
        public VertxTracer tracer() {
            return delegate.tracer();
        }

        @Override
        public ContextInternal duplicate(boolean copy) {
            return delegate.duplicate(copy);
        }

        @Override
        public long setPeriodic(long delay, Handler<Long> handler) {
            return delegate.setPeriodic(delay, handler);
        }

        @Override
        public long setTimer(long delay, Handler<Long> handler) {
            return delegate.setTimer(delay, handler);
        }

        @Override
        public CloseFuture closeFuture() {
            return delegate.closeFuture();
        }

        @Override
        public Future<Void> close() {
            return delegate.close();
        }

        @Override
        public ContextInternal unwrap() {
            return delegate.unwrap();
        }

        @Override
        public ContextBuilder toBuilder() {
            return delegate.toBuilder();
        }

        @Override
        public <T> Future<T> executeBlocking(Callable<T> blocking, boolean ordered) {
            return delegate.executeBlocking(blocking, ordered);
        }

        @Override
        public @Nullable String deploymentID() {
            return delegate.deploymentID();
        }

        @Override
        public @Nullable JsonObject config() {
            return delegate.config();
        }

        @Override
        public boolean isEventLoopContext() {
            return delegate.isEventLoopContext();
        }

        @Override
        public boolean isWorkerContext() {
            return delegate.isWorkerContext();
        }

        @Override
        public ThreadingModel threadingModel() {
            return delegate.threadingModel();
        }

        @Override
        public Context exceptionHandler(@Nullable Handler<Throwable> handler) {
            delegate.exceptionHandler(handler);
            return this;
        }

        @Override
        public @Nullable Handler<Throwable> exceptionHandler() {
            return delegate.exceptionHandler();
        }

        @Override
        public <T> T getLocal(ContextLocal<T> key, AccessMode accessMode) {
            return delegate.getLocal(key, accessMode);
        }

        @Override
        public <T> T getLocal(ContextLocal<T> key, AccessMode accessMode, Supplier<? extends T> initial) {
            return delegate.getLocal(key, accessMode, initial);
        }

        @Override
        public <T> void putLocal(ContextLocal<T> key, AccessMode accessMode, T value) {
            delegate.putLocal(key, accessMode, value);
        }
    }
}
