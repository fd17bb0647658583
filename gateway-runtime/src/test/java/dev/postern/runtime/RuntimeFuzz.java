package dev.postern.runtime;

import dev.postern.runtime.discovery.Lookups;
import dev.postern.runtime.rig.Fuzz;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.codec.dns.DefaultDnsRawRecord;
import io.netty.handler.codec.dns.DnsRecordType;

/** Parsers of this package, for the fuzzer. */
public final class RuntimeFuzz {
    private RuntimeFuzz() {}

    /** An SRV record is read, or it is broken; no record keeps a reader busy. */
    public static Fuzz.Target srvRecords() {
        return input -> {
            Lookups.Service service;
            try {
                service = NettyLookups.service(
                        new DefaultDnsRawRecord("a.", DnsRecordType.SRV, 30, Unpooled.wrappedBuffer(input)));
            } catch (IndexOutOfBoundsException | DecoderException broken) {
                return 0;
            }
            check(service.port() >= 0 && service.port() < 65536, "port " + service.port());
            check(service.weight() >= 0 && service.priority() >= 0, "negative");
            check(
                    service.target().length() <= 1024,
                    "length " + service.target().length());
            return 1 + service.target().length();
        };
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new IllegalStateException(what);
        }
    }
}
