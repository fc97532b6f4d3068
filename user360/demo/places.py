"""Where the people of the sample business live, and what people there are called.

Without real places and names the sample would not show what real data does to a screen: long
names, other scripts, other zones, other telephone numbers. How many people live in each and what
they do does not live here (`crowd`, `visits`).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class City:
    """A city, where it is, and what its shops are called."""

    name: str
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Country:
    """A country: `share` of the people, `hours` before UTC in winter, mobile numbers as prefixes and digits after them.

    `chat` is how much its people prefer to write instead of browse, 1 being as much as anywhere.
    """

    name: str
    share: float
    language: str
    timezone: str
    hours: float
    chat: float
    calling: str
    prefixes: tuple[str, ...]
    digits: int
    cities: tuple[City, ...]
    women: tuple[str, ...]
    men: tuple[str, ...]
    families: tuple[str, ...]


def plain(name: str) -> str:
    """A name as an email address spells it: what stands after `=`, or its Latin letters without accents."""
    _, _, spelled = name.partition("=")
    letters = unicodedata.normalize("NFKD", (spelled or name).lower()).translate(_SPELLINGS)
    return "".join(each for each in letters if each.isascii() and each.isalnum())


def shown(name: str) -> str:
    """A name as its bearer writes it."""
    return name.partition("=")[0].replace("_", " ")


_SPELLINGS: Final = str.maketrans({"ß": "ss", "ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "ə": "e"})


def _country(
    place: tuple[str, float, str, str, float, float], phone: tuple[str, str, int], cities: str, names: tuple[str, str, str]
) -> Country:
    """Read one country from its notation: prefixes and names parted by blanks, cities as `name latitude longitude`."""
    calling, prefixes, digits = phone
    towns = [each.split() for each in cities.split(",")]
    return Country(
        *place,
        calling,
        tuple(prefixes.split()),
        digits,
        tuple(City(shown(name), float(latitude), float(longitude)) for name, latitude, longitude in towns),
        *(tuple(each.split()) for each in names),
    )


COUNTRIES: Final[tuple[Country, ...]] = (
    _country(
        ("India", 0.19, "hi", "Asia/Kolkata", 5.5, 1.9),
        ("91", "981 984 990 944 963 701 887", 7),
        "Kochi 9.93 76.27, Mumbai 19.08 72.88, Bengaluru 12.97 77.59, Delhi 28.61 77.21, Chennai 13.08 80.27, Pune 18.52 73.86",
        (
            "Priya Ananya Kavya Meera Divya Aisha Lakshmi Neha Pooja प्रिया=priya Sneha Ishita",
            "Arjun Rohan Vikram Rahul Aditya Sanjay Karthik Imran Manoj Dev आरव=aarav Nikhil",
            "Nair Sharma Patel Iyer Reddy Khan Menon Gupta Singh Das Joshi Pillai Kulkarni शर्मा=sharma Thomas",
        ),
    ),
    _country(
        ("Germany", 0.15, "de", "Europe/Berlin", 1, 0.6),
        ("49", "151 152 157 160 170 171 176", 8),
        "Berlin 52.52 13.41, Hamburg 53.55 9.99, München 48.14 11.58, Köln 50.94 6.96, Leipzig 51.34 12.37, Frankfurt 50.11 8.68",
        (
            "Anna Lena Sophie Jana Katharina Lea Miriam Birgit Heike Johanna Jürgen-Marie Elif",
            "Lukas Jonas Felix Jürgen Max Paul Stefan Tobias Björn Moritz Hans-Peter Emre",
            "Weber Müller Schmidt Fischer Schröder Wagner Becker Hoffmann Groß Krüger Vogel Yıldız Neumann Lehmann",
        ),
    ),
    _country(
        ("Brazil", 0.09, "pt", "America/Sao_Paulo", -3, 1.7),
        ("55", "119 219 319 419 519 719", 8),
        "São_Paulo -23.55 -46.63, Rio_de_Janeiro -22.91 -43.17, Belo_Horizonte -19.92 -43.94, Salvador -12.97 -38.50",
        (
            "Mariana Ana Juliana Camila Beatriz Larissa Letícia Fernanda Conceição",
            "João Pedro Lucas Gabriel Rafael Thiago Matheus Antônio Caio",
            "Souza Silva Santos Oliveira Pereira Costa Almeida Gonçalves Araújo Lima Ribeiro",
        ),
    ),
    _country(
        ("United Kingdom", 0.08, "en", "Europe/London", 0, 0.7),
        ("44", "711 712 721 733 745 772 788", 7),
        "London 51.51 -0.13, Manchester 53.48 -2.24, Edinburgh 55.95 -3.19, Bristol 51.45 -2.59, Leeds 53.80 -1.55",
        (
            "Olivia Emma Charlotte Grace Amelia Niamh Zoë Harriet Fatima",
            "Jack Oliver Harry George Thomas Callum Mohammed Oscar Rhys",
            "Smith Jones Taylor Brown Williams O'Brien Evans Walker Wright Hughes Khan MacDonald Clarke",
        ),
    ),
    _country(
        ("France", 0.06, "fr", "Europe/Paris", 1, 0.6),
        ("33", "601 612 633 651 662 671", 6),
        "Paris 48.86 2.35, Lyon 45.76 4.84, Marseille 43.30 5.37, Toulouse 43.60 1.44, Saint-Étienne 45.44 4.39",
        (
            "Camille Léa Chloé Manon Inès Élodie Anaïs Margaux Françoise",
            "Hugo Louis Théo Jules François Mathis Jérôme Loïc Jean-Luc",
            "Laurent Martin Bernard Dubois Petit Lefèvre Moreau Girard D'Angelo Benali Roux",
        ),
    ),
    _country(
        ("United States", 0.06, "en", "America/New_York", -5, 0.5),
        ("1", "2124 3125 4156 6175 7134 9175", 6),
        "New_York 40.71 -74.01, Chicago 41.88 -87.63, Austin 30.27 -97.74, Seattle 47.61 -122.33, Miami 25.76 -80.19",
        (
            "Emily Madison Ava Sofia Hannah Abigail Mia Destiny Guadalupe",
            "Michael James Ethan Daniel Noah Tyler José Andre Benjamin",
            "Johnson Miller Davis Garcia Rodriguez Martinez Anderson Nguyen Lee Thompson Van_Buren",
        ),
    ),
    _country(
        ("Nigeria", 0.05, "en", "Africa/Lagos", 1, 1.8),
        ("234", "703 706 803 806 813 903", 7),
        "Lagos 6.52 3.38, Abuja 9.08 7.40, Ibadan 7.38 3.95, Port_Harcourt 4.82 7.03",
        (
            "Aisha Ngozi Chioma Folake Amina Blessing Adaeze Temitope",
            "Oluwaseun Chinedu Emeka Tunde Ibrahim Babatunde Femi Uche",
            "Bello Adeyemi Okafor Okonkwo Balogun Eze Abubakar Ogunleye Nwosu",
        ),
    ),
    _country(
        ("Spain", 0.05, "es", "Europe/Madrid", 1, 1.1),
        ("34", "601 612 633 655 666 677", 6),
        "Madrid 40.42 -3.70, Barcelona 41.39 2.17, Valencia 39.47 -0.38, Sevilla 37.39 -5.98",
        (
            "Lucía María Carmen Sofía Paula Begoña Núria Marta",
            "Alejandro Pablo Álvaro Javier Íñigo Sergio Jordi Rubén",
            "García Fernández González López Martínez Muñoz Ibáñez Núñez Ruiz Peña",
        ),
    ),
    _country(
        ("Italy", 0.04, "it", "Europe/Rome", 1, 1.0),
        ("39", "320 328 333 340 347 366", 7),
        "Milano 45.46 9.19, Roma 41.90 12.50, Torino 45.07 7.69, Napoli 40.85 14.27",
        (
            "Giulia Chiara Sara Martina Francesca Alessia Noemi",
            "Marco Luca Andrea Matteo Niccolò Davide Giuseppe",
            "Rossi Russo Ferrari Bianchi Esposito Romano Colombo De_Luca D'Amico",
        ),
    ),
    _country(
        ("Türkiye", 0.04, "tr", "Europe/Istanbul", 3, 1.3),
        ("90", "501 505 516 532 542 554", 7),
        "İstanbul 41.01 28.98, Ankara 39.93 32.86, İzmir 38.42 27.14, Antalya 36.90 30.70",
        (
            "Zeynep Elif Ayşe Merve Büşra Şule Gül",
            "Mehmet Mustafa Emre Çağrı Oğuz Kerem Barış",
            "Kaya Yılmaz Demir Şahin Çelik Öztürk Aydın Doğan Işık",
        ),
    ),
    _country(
        ("Japan", 0.03, "ja", "Asia/Tokyo", 9, 0.4),
        ("81", "701 702 801 802 901 902", 7),
        "Tokyo 35.68 139.69, Osaka 34.69 135.50, Kyoto 35.01 135.77, 札幌 43.06 141.35",
        (
            "Yuki 美咲=misaki さくら=sakura 陽菜=hina Aiko 結衣=yui",
            "Kenji 健太=kenta 翔太=shota Haruto 大輔=daisuke 蓮=ren",
            "Mori 佐藤=sato 鈴木=suzuki 高橋=takahashi Tanaka 渡辺=watanabe 小林=kobayashi",
        ),
    ),
    _country(
        ("Poland", 0.03, "pl", "Europe/Warsaw", 1, 0.6),
        ("48", "501 512 601 606 661 692", 6),
        "Warszawa 52.23 21.01, Kraków 50.06 19.94, Łódź 51.76 19.46, Gdańsk 54.35 18.65",
        (
            "Zofia Agnieszka Małgorzata Katarzyna Maja Żaneta",
            "Jakub Paweł Michał Łukasz Grzegorz Tomasz",
            "Nowak Kowalski Wiśniewski Wójcik Kamiński Żak Dąbrowska",
        ),
    ),
    _country(
        ("Indonesia", 0.03, "id", "Asia/Jakarta", 7, 1.6),
        ("62", "811 812 813 821 852 857", 7),
        "Jakarta -6.21 106.85, Surabaya -7.26 112.75, Bandung -6.92 107.61, Denpasar -8.65 115.22",
        (
            "Dewi Siti Putri Ayu Rina Intan Wulan",
            "Budi Agus Rizky Wayan Andi Fajar Dimas",
            "Lestari Wijaya Santoso Hidayat Kusuma Saputra Siregar",
        ),
    ),
    _country(
        ("Mexico", 0.02, "es", "America/Mexico_City", -6, 1.5),
        ("52", "222 229 442 614 664 999", 7),
        "Ciudad_de_México 19.43 -99.13, Guadalajara 20.67 -103.35, Monterrey 25.67 -100.31, Mérida 20.97 -89.62",
        (
            "Ximena Valentina Guadalupe Renata Fernanda Itzel",
            "Santiago Diego José_Luis Ángel Emiliano Ramón",
            "Hernández López Ramírez Flores Cruz Gutiérrez Mendoza Ordóñez",
        ),
    ),
    _country(
        ("United Arab Emirates", 0.015, "ar", "Asia/Dubai", 4, 1.5),
        ("971", "501 502 521 551 561 581", 6),
        "Dubai 25.20 55.27, Abu_Dhabi 24.45 54.38, Sharjah 25.35 55.42",
        (
            "Fatima مريم=maryam Noura Layla Hessa عائشة=aisha",
            "Omar محمد=mohammed Khalid Saeed أحمد=ahmed Yousef",
            "Al_Mansoori Haddad الهاشمي=alhashimi Al_Nahyan Rahman Qureshi",
        ),
    ),
    _country(
        ("Jordan", 0.015, "ar", "Asia/Amman", 3, 1.6),
        ("962", "791 792 795 771 781 785", 6),
        "Amman 31.95 35.93, Irbid 32.55 35.85, Aqaba 29.53 35.01",
        (
            "Noor Rania Dina سلمى=salma Hala Lina",
            "Zaid Tariq Hamza خالد=khaled Rami Sami",
            "Haddad Khoury Nasser الخطيب=alkhatib Masri Odeh",
        ),
    ),
    _country(
        ("South Africa", 0.015, "en", "Africa/Johannesburg", 2, 1.2),
        ("27", "601 603 711 721 821 831", 6),
        "Cape_Town -33.92 18.42, Johannesburg -26.20 28.05, Durban -29.86 31.02",
        (
            "Nomvula Thandiwe Anika Lerato Zanele Chanel",
            "Thabo Sipho Pieter Bongani Johan Themba",
            "Dlamini Nkosi Botha Van_der_Merwe Naidoo Mokoena Zulu",
        ),
    ),
    _country(
        ("Peru", 0.015, "es", "America/Lima", -5, 1.5),
        ("51", "901 914 932 951 964 987", 6),
        "Lima -12.05 -77.04, Arequipa -16.41 -71.54, Cusco -13.53 -71.97",
        ("Sofía Milagros Rosa Killa Flor Ximena", "Luis César Inti Jorge Renzo Raúl", "Quispe Mamani Flores Huamán Rojas Chávez"),
    ),
    _country(
        ("Vietnam", 0.015, "vi", "Asia/Ho_Chi_Minh", 7, 0.8),
        ("84", "903 912 933 971 983 988", 6),
        "Hà_Nội 21.03 105.85, Đà_Nẵng 16.05 108.21, Thành_phố_Hồ_Chí_Minh 10.82 106.63",
        ("Thu_Hà Linh Ngọc_Anh Phương Mai Thảo", "Minh Quân Đức Tuấn Hải Long", "Nguyễn Trần Lê Phạm Hoàng Đặng Võ"),
    ),
    _country(
        ("Sweden", 0.02, "sv", "Europe/Stockholm", 1, 0.4),
        ("46", "701 702 721 733 761 793", 6),
        "Stockholm 59.33 18.07, Göteborg 57.71 11.97, Malmö 55.60 13.00",
        (
            "Åsa Elin Märta Freja Linnéa Maja",
            "Erik Björn Göran Axel Åke Nils",
            "Lindqvist Andersson Sjöberg Nyström Öberg Håkansson",
        ),
    ),
    _country(
        ("Bulgaria", 0.015, "bg", "Europe/Sofia", 2, 0.7),
        ("359", "8787 8791 8865 8986 8822", 5),
        "София 42.70 23.32, Plovdiv 42.14 24.75, Varna 43.21 27.92",
        (
            "Elena Мария=maria Десислава=desislava Ivana Kalina",
            "Georgi Иван=ivan Dimitar Николай=nikolay Stefan",
            "Petrova Иванов=ivanov Dimitrov Георгиева=georgieva Stoyanov",
        ),
    ),
    _country(
        ("Greece", 0.015, "el", "Europe/Athens", 2, 0.8),
        ("30", "691 694 697 698 699", 7),
        "Αθήνα 37.98 23.73, Thessaloniki 40.64 22.94, Patras 38.25 21.73",
        (
            "Ελένη=eleni Maria Κατερίνα=katerina Sofia Δήμητρα=dimitra",
            "Γιώργος=giorgos Nikos Κώστας=kostas Dimitris Panos",
            "Παπαδόπουλος=papadopoulos Nikolaidis Γεωργίου=georgiou Ioannou Vlachos",
        ),
    ),
)
