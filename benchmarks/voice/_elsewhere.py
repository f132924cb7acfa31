"""What is asked in the other sample towns: nothing here was used to choose anything."""

from benchmarks.voice._said import Asked

QUESTIONS = {
    "kaga": (
        Asked("山代温泉の古総湯は何時までやっていますか", ("山代温泉", "古総湯")),
        Asked("山中温泉から鶴仙渓まで歩けますか", ("山中温泉", "鶴仙渓")),
        Asked("片山津温泉に泊まるところはありますか", ("片山津温泉",)),
        Asked("あやとりはしは無料ですか", ("あやとりはし",)),
        Asked("那谷寺へ行くバスはありますか", ("那谷寺",)),
        Asked("加賀温泉駅から小松空港までいくらですか", ("加賀温泉駅", "小松空港")),
        Asked("九谷焼はどこで買えますか", ("九谷焼",)),
        Asked("こおろぎ橋の近くで昼ご飯を食べたいです", ("こおろぎ橋",)),
        Asked("山中座の公演は毎日ありますか", ("山中座",)),
    ),
    "kashima": (
        Asked("鹿島神宮の参拝時間を教えてください", ("鹿島神宮",)),
        Asked("息栖神社まで車で何分ですか", ("息栖神社",)),
        Asked("鹿園の鹿に餌をあげてもいいですか", ("鹿園",)),
        Asked("東京駅から鹿島神宮駅まで電車で行けますか", ("東京駅", "鹿島神宮駅")),
        Asked("下津海水浴場は犬も入れますか", ("下津海水浴場",)),
        Asked("香取神宮も一日で回れますか", ("香取神宮",)),
        Asked("鹿嶋市の特産品は何ですか", ("鹿嶋市",)),
        Asked("鹿島アントラーズの試合の日は混みますか", ("鹿島アントラーズ",)),
    ),
    "masuda": (
        Asked("医光寺の庭園は何時から見られますか", ("医光寺",)),
        Asked("萬福寺の拝観料はいくらですか", ("萬福寺",)),
        Asked("石見神楽はどこで見られますか", ("石見神楽",)),
        Asked("匹見峡の紅葉はいつが見ごろですか", ("匹見峡",)),
        Asked("高津川で釣りはできますか", ("高津川",)),
        Asked("萬福寺から益田駅まで歩いて行けますか", ("萬福寺", "益田駅")),
        Asked("美濃地屋敷は休みの日がありますか", ("美濃地屋敷",)),
        Asked("グラントワの中にレストランはありますか", ("グラントワ",)),
    ),
    "nishikawa": (
        Asked("月山のリフトは何月まで動いていますか", ("月山",)),
        Asked("志津温泉に日帰り入浴はありますか", ("志津温泉",)),
        Asked("大井沢温泉の料金を教えてください", ("大井沢温泉",)),
        Asked("寒河江ダムの見学に予約はいりますか", ("寒河江ダム",)),
        Asked("月山湖の大噴水は何時に上がりますか", ("月山湖",)),
        Asked("水沢温泉館はベビーカーで入れますか", ("水沢温泉館",)),
        Asked("西川町へ山形市からどう行きますか", ("西川町", "山形市")),
        Asked("月山ビールはどこで飲めますか", ("月山ビール",)),
    ),
}
"""Questions that begin with or hold names of each town."""

NAMES = {
    "mine": (
        "秋芳洞",
        "秋吉台",
        "大正洞",
        "景清洞",
        "弁天池",
        "長登銅山",
        "於福温泉",
        "元乃隅神社",
        "角島大橋",
        "美祢市役所",
        "道の駅みとう",
        "カルストロード",
    ),
    "kaga": ("山代温泉", "鶴仙渓", "那谷寺", "古総湯"),
    "kashima": ("鹿島神宮", "息栖神社", "香取神宮"),
    "masuda": ("医光寺", "石見神楽", "萬福寺", "高津川"),
    "nishikawa": ("志津温泉", "寒河江ダム", "月山", "月山湖"),
}
"""Said alone, in a second or less: what is hardest to tell from other languages."""

ENGLISH = (
    "When does the museum open on Sundays?",
    "Where is the nearest bus stop?",
    "Do I need a reservation for the boat tour?",
    "Is it possible to see fireworks in August?",
    "How old is this temple?",
    "Are children allowed to climb the tower?",
    "Can I pay with a credit card?",
    "What is the most famous local dish?",
    "Is there a place to leave my luggage?",
    "How far is the hot spring from here?",
    "Do you have a map in English?",
    "What can we do on a rainy day?",
    "Where can I buy local pottery?",
    "Is the lift running in winter?",
    "How many people live in this town?",
    "What time is the last bus to the airport?",
)
