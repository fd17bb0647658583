package dev.postern.runtime;

import dev.postern.runtime.discovery.Lookups;
import io.netty.buffer.ByteBuf;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioDatagramChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.dns.DefaultDnsQuestion;
import io.netty.handler.codec.dns.DefaultDnsRecordDecoder;
import io.netty.handler.codec.dns.DnsRawRecord;
import io.netty.handler.codec.dns.DnsRecord;
import io.netty.handler.codec.dns.DnsRecordType;
import io.netty.handler.codec.dns.DnsResponseCode;
import io.netty.resolver.dns.DnsErrorCauseException;
import io.netty.resolver.dns.DnsNameResolver;
import io.netty.resolver.dns.DnsNameResolverBuilder;
import io.netty.resolver.dns.NoopAuthoritativeDnsServerCache;
import io.netty.resolver.dns.NoopDnsCache;
import io.netty.resolver.dns.NoopDnsCnameCache;
import io.netty.resolver.dns.SingletonDnsServerAddressStreamProvider;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.Future;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Netty's resolver without its caches: who asks keeps the answers, and knows when they expire. UDP first, TCP for answers that
 * do not fit. Takes a thread with the first question and gives it back at {@link #close}.
 */
final class NettyLookups implements Lookups {
    private static final long QUERY_MILLIS = 2000;
    private static final int MAX_QUERIES = 8;

    // Guarded by this, as is all below.
    private final Map<String, DnsNameResolver> resolvers = new HashMap<>();
    private @Nullable EventLoopGroup group;
    private boolean closed;

    @Override
    public CompletionStage<List<Address>> addresses(String name, @Nullable InetSocketAddress server) {
        CompletionStage<List<Address>> v4 = ask(name, DnsRecordType.A, server, NettyLookups::address);
        CompletionStage<List<Address>> v6 = ask(name, DnsRecordType.AAAA, server, NettyLookups::address);
        return v4.thenCombine(v6, (four, six) -> {
            List<Address> both = new ArrayList<>(four);
            both.addAll(six);
            return both;
        });
    }

    @Override
    public CompletionStage<List<Service>> services(String name, @Nullable InetSocketAddress server) {
        return ask(name, DnsRecordType.SRV, server, NettyLookups::service);
    }

    /** Ends the questions under way and the thread. */
    synchronized void close() {
        closed = true;
        resolvers.values().forEach(DnsNameResolver::close);
        resolvers.clear();
        if (group != null) {
            Future<?> unused = group.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        }
    }

    private <T> CompletionStage<List<T>> ask(
            String name,
            DnsRecordType type,
            @Nullable InetSocketAddress server,
            Function<DnsRawRecord, @Nullable T> reader) {
        CompletableFuture<List<T>> answer = new CompletableFuture<>();
        DnsNameResolver resolver;
        try {
            resolver = resolver(server);
        } catch (IllegalStateException late) {
            return CompletableFuture.failedFuture(late);
        }
        resolver.resolveAll(new DefaultDnsQuestion(name, type)).addListener((Future<List<DnsRecord>> done) -> {
            if (!done.isSuccess()) {
                fail(answer, done.cause());
                return;
            }
            List<T> found = new ArrayList<>();
            try {
                for (DnsRecord record : done.getNow()) {
                    // CNAMEs that led here are in the answer too.
                    if (record.type().equals(type) && record instanceof DnsRawRecord raw) {
                        T read = reader.apply(raw);
                        if (read != null) {
                            found.add(read);
                        }
                    }
                }
                answer.complete(found);
            } catch (RuntimeException malformed) {
                answer.completeExceptionally(
                        new IllegalStateException("the answer for " + name + " cannot be read", malformed));
            } finally {
                done.getNow().forEach(ReferenceCountUtil::release);
            }
        });
        return answer;
    }

    // A name without such records is an answer; everything else is none.
    private static <T> void fail(CompletableFuture<List<T>> answer, Throwable failure) {
        boolean noSuchName = failure.getCause() instanceof DnsErrorCauseException told
                && told.getCode().equals(DnsResponseCode.NXDOMAIN);
        boolean noSuchRecord = failure instanceof UnknownHostException && failure.getCause() == null;
        if (noSuchName || noSuchRecord) {
            answer.complete(List.of());
        } else {
            answer.completeExceptionally(failure);
        }
    }

    private synchronized DnsNameResolver resolver(@Nullable InetSocketAddress server) {
        if (closed) {
            throw new IllegalStateException("the gateway has stopped");
        }
        EventLoopGroup threads = group;
        if (threads == null) {
            threads = new MultiThreadIoEventLoopGroup(
                    1, new DefaultThreadFactory("postern-dns", true), NioIoHandler.newFactory());
            group = threads;
        }
        EventLoopGroup mine = threads;
        return resolvers.computeIfAbsent(String.valueOf(server), key -> {
            DnsNameResolverBuilder builder = new DnsNameResolverBuilder(mine.next())
                    .datagramChannelType(NioDatagramChannel.class)
                    .socketChannelType(NioSocketChannel.class)
                    .resolveCache(NoopDnsCache.INSTANCE)
                    .cnameCache(NoopDnsCnameCache.INSTANCE)
                    .authoritativeDnsServerCache(NoopAuthoritativeDnsServerCache.INSTANCE)
                    .searchDomains(List.of())
                    .queryTimeoutMillis(QUERY_MILLIS)
                    .maxQueriesPerResolve(MAX_QUERIES);
            if (server != null) {
                builder.nameServerProvider(new SingletonDnsServerAddressStreamProvider(server));
            }
            return builder.build();
        });
    }

    private static @Nullable Address address(DnsRawRecord record) {
        ByteBuf content = record.content();
        byte[] bytes = new byte[content.readableBytes()];
        content.getBytes(content.readerIndex(), bytes);
        try {
            return new Address(InetAddress.getByAddress(bytes), ttl(record));
        } catch (UnknownHostException wrongLength) {
            throw new IllegalArgumentException("an address of " + bytes.length + " bytes", wrongLength);
        }
    }

    static Service service(DnsRawRecord record) {
        ByteBuf content = record.content().duplicate();
        int priority = content.readUnsignedShort();
        int weight = content.readUnsignedShort();
        int port = content.readUnsignedShort();
        String target = DefaultDnsRecordDecoder.decodeName(content);
        return new Service(
                target.endsWith(".") ? target.substring(0, target.length() - 1) : target,
                port,
                priority,
                weight,
                ttl(record));
    }

    private static Duration ttl(DnsRecord record) {
        // RFC 2181 8: a time to live with the highest bit set counts as zero.
        return Duration.ofSeconds(Math.max(0, record.timeToLive()));
    }
}
