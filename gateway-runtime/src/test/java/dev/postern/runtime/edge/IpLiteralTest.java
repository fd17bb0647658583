package dev.postern.runtime.edge;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class IpLiteralTest {
    @ParameterizedTest
    @CsvSource({
        "::, ::",
        "::1, ::1",
        "1::, 1::",
        "1:2:3:4:5:6:7:8, 1:2:3:4:5:6:7:8",
        "1:0:0:4:0:0:0:8, 1:0:0:4::8",
        "1:0:0:4:5:0:0:8, 1::4:5:0:0:8",
        "1:2:3:0:5:6:7:8, 1:2:3:0:5:6:7:8",
        "::2:3:4:5:6:7:8, 0:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7::, 1:2:3:4:5:6:7:0",
        "2001:0DB8::00a1, 2001:db8::a1",
        "::ffff:192.0.2.1, ::ffff:192.0.2.1",
        "::192.0.2.1, ::c000:201",
        "64:ff9b::192.0.2.33, 64:ff9b::c000:221",
    })
    void version_6_is_read_in_every_form_and_written_in_one(String text, String canonical) {
        long[] bits = new long[2];
        assertThat(IpLiteral.v6(text, 0, text.length(), bits)).isTrue();
        assertThat(IpLiteral.v6(bits[0], bits[1])).isEqualTo(canonical);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "", ":", ":::", "1", "1:2", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "1:2:3:4:5:6:7:8::",
                        "12345::",
                "g::", ":1", "1:", "1::2:", "::1.2.3", "::1.2.3.256", "1.2.3.4", "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4",
                        "::1%1",
                "::１", "::1 "
            })
    void anything_else_is_not_version_6(String text) {
        assertThat(IpLiteral.v6(text, 0, text.length(), new long[2])).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "1",
                "1.2.3",
                "1.2.3.4.5",
                "01.2.3.4",
                "1.2.3.256",
                "1.2.3.",
                ".1.2.3",
                "1.2.3.4 ",
                "1.2.3.a",
                "1.2.3.0004"
            })
    void anything_else_is_not_version_4(String text) {
        assertThat(IpLiteral.v4(text, 0, text.length())).isEqualTo(-1);
    }

    @Test
    void random_addresses_agree_with_the_jdk() throws UnknownHostException {
        Random random = new Random(4);
        for (int run = 0; run < 20_000; run++) {
            byte[] bytes = new byte[16];
            for (int i = 0; i < 16; i++) {
                bytes[i] = (byte) (random.nextInt(3) == 0 ? random.nextInt() : 0);
            }
            ByteBuffer words = ByteBuffer.wrap(bytes);
            String text = IpLiteral.v6(words.getLong(0), words.getLong(8));
            byte[] theirs = InetAddress.getByName(text).getAddress();
            long[] ours = new long[2];
            assertThat(IpLiteral.v6(text, 0, text.length(), ours)).as(text).isTrue();
            assertThat(ours).as(text).containsExactly(words.getLong(0), words.getLong(8));
            if (theirs.length == 16) {
                assertThat(theirs).as(text).isEqualTo(bytes);
            }
            long quad = random.nextInt() & 0xFFFFFFFFL;
            String dotted = IpLiteral.v4(quad);
            assertThat(IpLiteral.v4(dotted, 0, dotted.length())).isEqualTo(quad);
        }
    }
}
