package dev.postern.runtime.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CidrTest {
    @ParameterizedTest
    @CsvSource({
        "10.0.0.0/8, 10.255.1.2, true",
        "10.0.0.0/8, 11.0.0.0, false",
        "0.0.0.0/0, 255.1.2.3, true",
        "0.0.0.0/0, ::1, false",
        "::/0, ::1, true",
        "::/0, 10.0.0.1, false",
        "192.0.2.7, 192.0.2.7, true",
        "192.0.2.7/32, 192.0.2.6, false",
        "10.0.0.0/31, 10.0.0.1, true",
        "10.0.0.0/31, 10.0.0.2, false",
        "::ffff:10.0.0.0/104, 10.1.2.3, true",
        "::ffff:10.0.0.0/104, 11.1.2.3, false",
        "::ffff:0:0/96, 11.1.2.3, true",
        "2001:db8::/32, 2001:db8:ffff::1, true",
        "2001:db8::/32, 2001:db9::, false",
        "2001:db8:0:1::/64, 2001:db8:0:1:ffff::, true",
        "2001:db8:0:1::/64, 2001:db8:0:2::, false",
        "2001:db8::8/125, 2001:db8::f, true",
        "2001:db8::8/125, 2001:db8::10, false",
        "fe80::1, fe80::1, true",
    })
    void a_network_holds_its_addresses(String network, String address, boolean inside) throws UnknownHostException {
        assertThat(Cidr.parse(network).contains(InetAddress.getByName(address))).isEqualTo(inside);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "10.0.0.0/33",
                "10.0.0.0/",
                "10.0.0.0/-1",
                "10.0.0/8",
                "::/129",
                "::/01",
                "localhost",
                "10.0.0.0/8/8",
                "[::1]",
                "fe80::1%eth0"
            })
    void anything_else_is_refused(String text) {
        assertThatThrownBy(() -> Cidr.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("network: \"" + text + '"')
                .hasMessageContaining("expected");
    }

    @Test
    void bits_behind_the_prefix_are_a_mistake_with_a_cure() {
        assertThatThrownBy(() -> Cidr.parse("10.1.2.3/8")).hasMessageContaining("write \"10.0.0.0/8\"");
        assertThatThrownBy(() -> Cidr.parse("2001:db8::1/32")).hasMessageContaining("write \"2001:db8::/32\"");
    }

    @Test
    void networks_are_written_in_one_way() {
        assertThat(Cidr.parse("2001:DB8:0::/32")).hasToString("2001:db8::/32").isEqualTo(Cidr.parse("2001:db8::/32"));
        assertThat(Cidr.parse("::ffff:10.0.0.1")).hasToString("10.0.0.1").isEqualTo(Cidr.parse("10.0.0.1/32"));
        assertThat(Cidr.parse("10.0.0.0/8"))
                .isNotEqualTo(Cidr.parse("10.0.0.0/9"))
                .isNotEqualTo("10.0.0.0/8");
        assertThat(Cidr.parse("10.0.0.0/8").contains(Cidr.parse("10.0.0.0/9"))).isTrue();
        assertThat(Cidr.parse("10.0.0.0/9").contains(Cidr.parse("10.0.0.0/8"))).isFalse();
    }

    @Test
    void a_set_joins_halves_and_drops_what_is_inside() {
        assertThat(set("10.0.0.0/9", "10.128.0.0/10", "10.192.0.0/10", "10.1.0.0/16"))
                .hasToString("10.0.0.0/8");
        assertThat(set("0.0.0.0/1", "128.0.0.0/1", "::/1")).hasToString("[0.0.0.0/0, ::/1]");
        assertThat(set("10.0.1.0/24", "10.0.2.0/24")).hasToString("[10.0.1.0/24, 10.0.2.0/24]");
        assertThat(set("10.0.0.0/9", "10.128.0.0/9"))
                .isEqualTo(set("10.0.0.0/8"))
                .hasSameHashCodeAs(set("10.0.0.0/8"));
        assertThat(set("10.0.0.0/8").containsAll(set("10.1.0.0/16", "10.2.0.0/16")))
                .isTrue();
        assertThat(set("10.0.0.0/8").isDisjoint(set("10.1.0.0/16"))).isFalse();
        assertThat(set("10.1.0.0/16").isDisjoint(set("10.0.0.0/8"))).isFalse();
        assertThat(set("10.0.0.0/8").isDisjoint(set("11.0.0.0/8"))).isTrue();
    }

    @Test
    void a_set_answers_as_a_walk_over_its_members_does() throws UnknownHostException {
        Random random = new Random(7);
        for (int run = 0; run < 500; run++) {
            List<Cidr> members = Stream.generate(() -> network(random))
                    .limit(1 + random.nextInt(20))
                    .toList();
            CidrSet set = new CidrSet(members);
            for (int i = 0; i < 50; i++) {
                Cidr probe = network(random).cutTo(32);
                boolean walked = members.stream().anyMatch(member -> member.contains(probe));
                assertThat(set.contains(probe)).as("%s in %s", probe, members).isEqualTo(walked);
            }
        }
    }

    private static Cidr network(Random random) {
        byte[] bytes = {10, 0, (byte) random.nextInt(4), (byte) random.nextInt()};
        try {
            return Cidr.of(InetAddress.getByAddress(bytes)).cutTo(20 + random.nextInt(13));
        } catch (UnknownHostException e) {
            throw new AssertionError(e);
        }
    }

    private static CidrSet set(String... networks) {
        return new CidrSet(Stream.of(networks).map(Cidr::parse).toList());
    }
}
