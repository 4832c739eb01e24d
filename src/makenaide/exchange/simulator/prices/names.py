"""The names of the generated markets: real codes and names, with the won price at which each one starts.

The names are real so that screens and reports look as they will; the prices after the first candle are not.
"""

from dataclasses import dataclass

from makenaide.domain.market import Market, base_of


@dataclass(frozen=True, slots=True)
class Coin:
    """One coin of the generated venue; `price` in won, roughly that of the end of 2023."""

    code: str
    korean: str
    english: str
    price: float

    @property
    def market(self) -> Market:
        """Its won market."""
        return Market(f"KRW-{self.code}")


STABLECOINS = frozenset({"USDT"})
"""Coins that are held at the dollar: the generator keeps them there."""

_TABLE = """
BTC 비트코인 Bitcoin 51000000
ETH 이더리움 Ethereum 2780000
XRP 엑스알피(리플) XRP 830
USDT 테더 Tether 1340
SOL 솔라나 Solana 78000
DOGE 도지코인 Dogecoin 106
ADA 에이다 Cardano 515
TRX 트론 TRON 138
AVAX 아발란체 Avalanche 28500
LINK 체인링크 Chainlink 19200
DOT 폴카닷 Polkadot 7150
SHIB 시바이누 Shiba_Inu 0.0112
BCH 비트코인캐시 Bitcoin_Cash 301000
XLM 스텔라루멘 Stellar_Lumens 161
NEAR 니어프로토콜 NEAR_Protocol 2480
SUI 수이 Sui 805
APT 앱토스 Aptos 9150
ETC 이더리움클래식 Ethereum_Classic 25900
HBAR 헤데라 Hedera 82.5
ATOM 코스모스 Cosmos 12750
SAND 샌드박스 The_Sandbox 560
MANA 디센트럴랜드 Decentraland 585
AAVE 에이브 Aave 131500
ARB 아비트럼 Arbitrum 1385
STX 스택스 Stacks 945
IMX 이뮤터블엑스 Immutable_X 1790
INJ 인젝티브 Injective 22300
SEI 세이 Sei 272
POL 폴리곤에코시스템토큰 POL 1005
ALGO 알고랜드 Algorand 178
EOS 이오스 EOS 905
VET 비체인 VeChain 28.4
FLOW 플로우 Flow 855
THETA 쎄타토큰 Theta_Token 1240
AXS 엑시인피니티 Axie_Infinity 8350
GRT 더그래프 The_Graph 187
CHZ 칠리즈 Chiliz 109
XTZ 테조스 Tezos 1050
NEO 네오 NEO 15900
QTUM 퀀텀 Qtum 4080
WAVES 웨이브 Waves 2890
IOTA 아이오타 IOTA 242
BAT 베이직어텐션토큰 Basic_Attention_Token 289
ZIL 질리카 Zilliqa 28.9
KAVA 카바 Kava 985
ONDO 온도파이낸스 Ondo_Finance 322
BLUR 블러 Blur 618
MINA 미나 Mina 942
CELO 셀로 Celo 745
ENS 이더리움네임서비스 Ethereum_Name_Service 11900
STG 스타게이트파이낸스 Stargate_Finance 705
ICX 아이콘 ICON 262
ELF 엘프 aelf 715
GRS 그로스톨코인 Groestlcoin 612
STEEM 스팀 Steem 268
HIVE 하이브 Hive 431
ANKR 앵커 Ankr 32.6
GLM 골렘 Golem 291
STORJ 스토리지 Storj 880
ARDR 아더 Ardor 112
POWR 파워렛저 Power_Ledger 355
CVC 시빅 Civic 128
SNT 스테이터스네트워크토큰 Status_Network_Token 54.2
KNC 카이버네트워크 Kyber_Network 905
LSK 리스크 Lisk 1720
CRO 크로노스 Cronos 124
"""


_NAMED = len(_TABLE.strip().splitlines())


def coins(count: int) -> list[Coin]:
    """The first `count` coins: the named ones, then G067, G068 and so on with prices spread over the bands."""
    named = [
        Coin(code, korean, english.replace("_", " "), float(price))
        for code, korean, english, price in (line.split() for line in _TABLE.strip().splitlines())
    ]
    made = [_made(number) for number in range(_NAMED + 1, count + 1)]
    return (named + made)[:count]


def _made(number: int) -> Coin:
    return Coin(
        f"G{number:03d}", f"가상코인{number:03d}", f"Generated {number:03d}", 3.0 * 10.0 ** (number * 7 % 41 / 10)
    )


def coin_of(market: Market) -> Coin | None:
    """The named coin of `market`, whatever its quote currency; None when the table has none."""
    code = base_of(market)
    return next((coin for coin in coins(_NAMED) if coin.code == code), None)
