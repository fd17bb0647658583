package dev.postern.runtime.listener;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.runtime.listener.ProxyHeader.Malformed;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The grammar of the PROXY protocol, and what only looks like it. */
class ProxyHeaderTest {
    private static final String SIGNATURE = "0d0a0d0a000d0a515549540a";
    private static final String V4 = "c0000207" + "0a000001" + "dd17" + "01bb";

    private static byte[] line(String text) {
        return text.replace("CRLF", "\r\n").getBytes(StandardCharsets.ISO_8859_1);
    }

    private static byte[] hex(String text) {
        return HexFormat.of().parseHex(text.replace(" ", ""));
    }

    /** The whole of it, with something behind it; and no answer for any beginning of it. */
    private static ProxyHeader read(byte[] header) throws Malformed {
        for (int i = 0; i < header.length; i++) {
            assertThat(ProxyHeader.read(Unpooled.wrappedBuffer(header, 0, i)))
                    .as("first %s bytes", i)
                    .isNull();
        }
        ByteBuf more = Unpooled.wrappedBuffer(header, line("GET / HTTP/1.1CRLF"));
        ProxyHeader read = ProxyHeader.read(more);
        assertThat(read.length()).isEqualTo(header.length);
        assertThat(more.readerIndex()).isZero();
        return read;
    }

    private static String source(byte[] header) throws Malformed {
        ProxyHeader read = read(header);
        return read.source() == null
                ? "none"
                : read.source().getAddress().getHostAddress()
                        + ' '
                        + read.source().getPort();
    }

    @ParameterizedTest
    @CsvSource({
        "PROXY TCP4 192.0.2.7 10.0.0.1 56599 443CRLF, 192.0.2.7 56599",
        "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535CRLF, 255.255.255.255 65535",
        "PROXY TCP4 192.0.2.7 10.0.0.1 0 0CRLF, 192.0.2.7 0",
        "PROXY TCP6 2001:db8::7 ::1 56599 443CRLF, 2001:db8:0:0:0:0:0:7 56599",
        "PROXY UNKNOWNCRLF, none",
        "PROXY UNKNOWN ffff:f...f:ffff whatever 65535 65535CRLF, none"
    })
    void version_1_names_the_client(String text, String expected) throws Exception {
        assertThat(source(line(text))).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "GET / HTTP/1.1CRLF",
                "proxy TCP4 192.0.2.7 10.0.0.1 1 2CRLF",
                "PROXYTCP4 192.0.2.7 10.0.0.1 1 2CRLF",
                "PROXY TCP4 192.0.2.7 10.0.0.1 1 2\n",
                "PROXY TCP4  192.0.2.7 10.0.0.1 1 2CRLF",
                "PROXY TCP4 192.0.2.7 10.0.0.1 1 2 CRLF",
                "PROXY TCP4 192.0.2.7 10.0.0.1 1CRLF",
                "PROXY TCP4 192.0.2.7 10.0.0.1 1 2 3CRLF",
                "PROXY TCP4 192.0.2.007 10.0.0.1 1 2CRLF",
                "PROXY TCP4 192.0.2 10.0.0.1 1 2CRLF",
                "PROXY TCP4 192.0.2.256 10.0.0.1 1 2CRLF",
                "PROXY TCP4 192.0.2.7 nobody 1 2CRLF",
                "PROXY TCP4 2001:db8::7 10.0.0.1 1 2CRLF",
                "PROXY TCP6 192.0.2.7 10.0.0.1 1 2CRLF",
                "PROXY TCP6 fe80::1%eth0 ::1 1 2CRLF",
                "PROXY TCP4 192.0.2.7 10.0.0.1 01 2CRLF",
                "PROXY TCP4 192.0.2.7 10.0.0.1 65536 2CRLF",
                "PROXY TCP4 192.0.2.7 10.0.0.1 -1 2CRLF",
                "PROXY TCP4 192.0.2.7 10.0.0.1 1 CRLF",
                "PROXY UDP4 192.0.2.7 10.0.0.1 1 2CRLF",
                "PROXY UNKNOWNXCRLF",
                "PROXY CRLF",
                "\r\nGET / HTTP/1.1CRLF",
                "\0"
            })
    void version_1_is_read_to_the_letter(String text) {
        assertThatThrownBy(() -> ProxyHeader.read(Unpooled.wrappedBuffer(line(text))))
                .isInstanceOf(Malformed.class);
    }

    @Test
    void a_line_of_version_1_has_107_bytes_at_most() throws Exception {
        String longest = "PROXY UNKNOWN " + "x".repeat(91) + "\r\n";
        assertThat(longest).hasSize(107);
        assertThat(source(line(longest))).isEqualTo("none");
        assertThatThrownBy(() ->
                        ProxyHeader.read(Unpooled.wrappedBuffer(line("PROXY UNKNOWN " + "x".repeat(92) + "\r\n"))))
                .isInstanceOf(Malformed.class);
        assertThatThrownBy(() -> ProxyHeader.read(Unpooled.wrappedBuffer(line("PROXY " + "x".repeat(101)))))
                .isInstanceOf(Malformed.class);
    }

    @Test
    void version_2_names_the_client() throws Exception {
        assertThat(source(hex(SIGNATURE + "2111000c" + V4))).isEqualTo("192.0.2.7 56599");
        assertThat(source(hex(SIGNATURE + "21210024" + "20010db8000000000000000000000007"
                        + "00000000000000000000000000000001" + "dd1701bb")))
                .isEqualTo("2001:db8:0:0:0:0:0:7 56599");
    }

    @Test
    void extensions_of_version_2_are_skipped() throws Exception {
        // PP2_TYPE_AUTHORITY and one that nobody knows.
        assertThat(source(hex(SIGNATURE + "21110015" + V4 + "020003612e62" + "ea0000")))
                .isEqualTo("192.0.2.7 56599");
        assertThat(source(hex(SIGNATURE + "21110ff0" + V4 + "00".repeat(4096 - 28))))
                .isEqualTo("192.0.2.7 56599");
    }

    @Test
    void the_balancers_own_connections_and_those_without_an_address_are_the_balancers() throws Exception {
        assertThat(source(hex(SIGNATURE + "20000000"))).isEqualTo("none");
        assertThat(source(hex(SIGNATURE + "2011000c" + V4))).isEqualTo("none");
        assertThat(source(hex(SIGNATURE + "21000000"))).isEqualTo("none");
        assertThat(source(hex(SIGNATURE + "213100d8" + "00".repeat(216)))).isEqualTo("none");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "1111000c", // version 1
                "2211000c", // a command that there is not
                "2f11000c",
                "2112000c", // UDP
                "21220024",
                "2132000c",
                "2141000c", // a family that there is not
                "2101000c",
                "2111000b", // too short for its addresses
                "21210023",
                "213100d7",
                "21110ff1", // longer than anybody needs
                "2111ffff"
            })
    void version_2_is_read_to_the_letter(String head) {
        byte[] bytes = hex(SIGNATURE + head + V4 + "00".repeat(300));
        assertThatThrownBy(() -> ProxyHeader.read(Unpooled.wrappedBuffer(bytes)))
                .isInstanceOf(Malformed.class);
    }

    @Test
    void whatever_comes_is_a_header_or_malformed_or_too_short() throws Exception {
        Random random = new Random(42);
        byte[][] good = {
            line("PROXY TCP4 192.0.2.7 10.0.0.1 56599 443CRLF"),
            line("PROXY TCP6 2001:db8::7 ::1 56599 443CRLF"),
            hex(SIGNATURE + "2111000c" + V4)
        };
        for (int i = 0; i < Integer.getInteger("postern.mutations", 20_000); i++) {
            byte[] bytes = Arrays.copyOf(good[i % good.length], ProxyHeader.MAX_BYTES);
            for (int n = random.nextInt(4); n >= 0; n--) {
                bytes[random.nextInt(60)] = (byte) random.nextInt(256);
            }
            try {
                ProxyHeader read = ProxyHeader.read(Unpooled.wrappedBuffer(bytes));
                assertThat(read).isNotNull();
                assertThat(read.length()).isBetween(1, ProxyHeader.MAX_BYTES);
            } catch (Malformed refused) {
                assertThat(refused).hasMessageStartingWith("");
            }
        }
    }
}
